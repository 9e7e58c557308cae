import { parentPort, workerData } from "node:worker_threads";

import { exitCodes, Failure } from "../failure.ts";
import { loadWithLines } from "./load.ts";
import type { ReadApart } from "./read-apart.ts";

/** Reads one configuration file and ends: YAML of a thousand addresses takes longer than a beat may. */

const answer = async (file: string): Promise<ReadApart> => {
  try {
    return { kind: "loaded", loaded: await loadWithLines(file) };
  } catch (error) {
    if (error instanceof Failure && error.exitCode === exitCodes.usage)
      return { kind: "refused", sentence: error.message };
    throw error;
  }
};

parentPort?.postMessage(await answer(String(workerData)));
