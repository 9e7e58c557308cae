import { parentPort, workerData } from "node:worker_threads";

import type { FromReader, ReaderStart, ToReader } from "./messages.ts";
import { Reader } from "./reader.ts";

/**
 * The reader's thread. All that makes garbage, and every system call that may wait for a disk or a
 * file server, happens here, synchronously: asynchronous ones would only move the waiting to the
 * pool of threads that the whole process shares.
 */

/**
 * Short beside the time in which people watch, long beside the cost of a look (some 10 µs a file).
 */
const pollMillis = 50;

const port = parentPort;
if (port === null)
  throw new Error("Cannot read access_logs: this file is the body of a worker thread");

const post = (message: FromReader): void => port.postMessage(message);
const reader = new Reader(workerData as ReaderStart, performance.now(), post);

port.on("message", (message: ToReader) => reader.handle(message, performance.now()));
reader.poll(performance.now());
setInterval(() => reader.poll(performance.now()), pollMillis);
