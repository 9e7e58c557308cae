import { setImmediate } from "node:timers/promises";

import { closeSocket, openSocket, receive, send } from "../native.ts";
import { errorOf, messageFlags, messageTypes } from "../netlink.ts";
import { explain } from "../netlink-socket.ts";

/** Sees one message of an answer: its payload is at `from` to `end`, until the call returns. */
export type Take = (bytes: Buffer, from: number, end: number) => void;

const netlinkFamily = 16;
const rawType = 3;
/** The kernel fills no more at a time. */
const answerBytes = 32 * 1024;
const sliceMillis = 3;

/**
 * One question to the kernel whose answer may be megabytes: read in slices of some milliseconds, with the
 * heart's own work between them. The kernel fills the next buffer when the last one is read, so nothing
 * queues. Zero, or the negated errno with which the kernel ended it.
 */
export async function dump(protocol: number, question: Buffer, take: Take): Promise<number> {
  const fd = openSocket(netlinkFamily, rawType, protocol);
  if (fd < 0) return fd;
  try {
    const sent = send(fd, question);
    if (sent < 0) return sent;
    const answer = Buffer.alloc(answerBytes);
    for (;;) {
      const begun = performance.now();
      while (performance.now() - begun < sliceMillis) {
        const length = receive(fd, answer);
        if (length < 0) return length;
        const end = readAll(answer, length, take);
        if (end !== undefined) return end;
      }
      await setImmediate();
    }
  } finally {
    closeSocket(fd);
  }
}

/** Undefined where more is to come. */
const readAll = (answer: Buffer, length: number, take: Take): number | undefined => {
  let at = 0;
  while (at + 16 <= length) {
    const size = answer.readUInt32LE(at);
    if (size < 16 || at + size > length) break;
    const type = answer.readUInt16LE(at + 4);
    if (type === messageTypes.done) return 0;
    if (type === messageTypes.error) return errorOf(answer.subarray(at + 16, at + size));
    take(answer, at + 16, at + size);
    at += (size + 3) & ~3;
  }
  return undefined;
};

/** A dump as a command that is asked for by `type`. */
export const dumpFlags = messageFlags.request | messageFlags.dump;

/** Where the value of an attribute begins and ends. */
export type Range = readonly [from: number, end: number];

/** The first attribute of this type between `from` and `end`. */
export const find = (bytes: Buffer, range: Range | undefined, type: number): Range | undefined => {
  if (range === undefined) return undefined;
  let [at] = range;
  while (at + 4 <= range[1]) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > range[1]) return undefined;
    if ((bytes.readUInt16LE(at + 2) & typeMask) === type) return [at + 4, at + length];
    at += (length + 3) & ~3;
  }
  return undefined;
};

/** Without the marks for nested and for network order. */
const typeMask = 0x3fff;

export const listFailure = (what: string, error: number): Error =>
  new Error(`Cannot list ${what}: ${explain(error)}`);
