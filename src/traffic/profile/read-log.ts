import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";

import { type LineSink, LineSplitter } from "../lines.ts";
import type { Compression, LogFile } from "./log-family.ts";

/** What reads the compressions that Node does not know, and the Debian package that has it. */
const readers: Readonly<Record<Exclude<Compression, "gz">, readonly [string, string]>> = {
  zst: ["zstd", "zstd"],
  xz: ["xz", "xz-utils"],
  bz2: ["bzip2", "bzip2"],
};

/**
 * Reads a whole log, compressed or not, and hands its lines to `sink` as they come: a chunk at a
 * time is in memory, whatever the size of the file. Resolves with what kept it from being read to
 * its end, as a sentence; what was read until then counts.
 */
export async function readLog(
  { path, compression }: LogFile,
  sink: LineSink,
  signal: AbortSignal,
): Promise<string | undefined> {
  const splitter = new LineSplitter(sink);
  const push = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of chunks) splitter.push(chunk);
  };
  try {
    if (compression === undefined) await push(createReadStream(path, { signal, highWaterMark }));
    else if (compression === "gz") {
      const source = createReadStream(path, { signal, highWaterMark });
      await pipeline(source, createGunzip({ chunkSize: highWaterMark }), push, { signal });
    } else await throughTool(path, readers[compression], { push, signal });
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return `Cannot read ${path} to its end: ${(error as Error).message}`;
  } finally {
    // A last line without a newline is a line all the same.
    splitter.finish();
  }
}

const highWaterMark = 256 * 1024;

interface Drain {
  readonly push: (chunks: AsyncIterable<Buffer>) => Promise<void>;
  readonly signal: AbortSignal;
}

async function throughTool(
  path: string,
  [command, debianPackage]: readonly [string, string],
  { push, signal }: Drain,
): Promise<void> {
  // On its standard input: no name of a file can be taken for an option.
  const child = spawn(command, ["-dc"], { stdio: ["pipe", "pipe", "pipe"], signal });
  let complaint = "";
  child.stderr.on("data", (text: Buffer) => {
    complaint = (complaint + text.toString()).slice(0, 200);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("close", resolve);
    child.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "ENOENT"
          ? new Error(`${command} is not installed (apt-get install ${debianPackage})`)
          : error,
      ),
    );
  });
  const [code] = await Promise.all([
    ended,
    // A tool that gave up closes its standard input; its exit code says more than EPIPE.
    pipeline(createReadStream(path, { signal }), child.stdin).catch(() => {}),
    push(child.stdout),
  ]);
  if (code !== 0) throw new Error(complaint.trim().split("\n")[0] || `${command} gave up`);
}
