import { parentPort, workerData } from "node:worker_threads";

import type { FromReader, ReaderStart, ToReader } from "./messages.ts";
import { Reader } from "./reader.ts";

/**
 * The reader's thread. All that makes garbage, and every system call that may wait for a disk or a
 * file server, happens here, synchronously: asynchronous ones would only move the waiting to the
 * pool of threads that the whole process shares.
 */

/**
 * While somebody waits for what is read, and at rest. Short beside the time in which people watch,
 * long beside the cost of waking up for a look.
 */
const pollMillis = { asked: 50, atRest: 250 } as const;
const askedFor = 60_000;

const port = parentPort;
if (port === null)
  throw new Error("Cannot read access_logs: this file is the body of a worker thread");

const post = (message: FromReader): void => port.postMessage(message);
const reader = new Reader(workerData as ReaderStart, performance.now(), post);

let askedUntil = performance.now() + askedFor;
let timer: NodeJS.Timeout | undefined;

const look = (): void => {
  clearTimeout(timer);
  const now = performance.now();
  reader.poll(now);
  timer = setTimeout(look, now < askedUntil ? pollMillis.asked : pollMillis.atRest);
};

port.on("message", (message: ToReader) => {
  const now = performance.now();
  reader.handle(message, now);
  const rested = now >= askedUntil;
  askedUntil = now + askedFor;
  if (rested) look();
});
look();
