import { Worker } from "node:worker_threads";

import { loaderArguments } from "../../traffic/reader-thread.ts";
import { exitCodes, Failure } from "../failure.ts";
import type { Loaded } from "./load.ts";

/** What the thread answers, as plain data: an error would lose its class on the way. */
export type ReadApart =
  | { readonly kind: "loaded"; readonly loaded: Loaded }
  | { readonly kind: "refused"; readonly sentence: string };

/** Compiled as .js, or run from source as .ts: tsc rewrites imports, but no URLs. */
const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
const workerUrl = new URL(`./worker.${ending}`, import.meta.url);

/** No disk and no file of 1 MiB takes so long. */
const patienceMillis = 30_000;

/**
 * Reads `file` in a thread of its own, so that beats go on meanwhile. Throws a Failure as
 * `loadConfiguration` does, and when the thread gave no answer.
 */
export async function readApart(file: string): Promise<Loaded> {
  const worker = new Worker(workerUrl, { workerData: file, execArgv: loaderArguments() });
  const found = await answerOf(worker).catch((error: unknown) => {
    throw new Failure(exitCodes.broken, `Cannot read ${file}: ${String(error)}`, { cause: error });
  });
  if (found.kind === "refused") throw new Failure(exitCodes.usage, found.sentence);
  return found.loaded;
}

function answerOf(worker: Worker): Promise<ReadApart> {
  return new Promise((resolve, reject) => {
    const giveUp = setTimeout(() => {
      reject(new Error(`no answer within ${patienceMillis / 1000} s`));
      void worker.terminate();
    }, patienceMillis);
    giveUp.unref();
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", () => {
      clearTimeout(giveUp);
      reject(new Error("its reader ended without an answer"));
    });
  });
}
