import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

import { readCopy } from "./copy.ts";
import { type LineSink, LineSplitter } from "./lines.ts";

/** How far a file has been read, at the beginning of a line. */
export interface Position {
  /** Device and inode: the file itself, whatever it is called by now. */
  readonly identity: string;
  /** Bytes. */
  readonly offset: number;
}

/** Where reading begins: a position means the beginning for any file but the one it names. */
export type Start = "beginning" | "end" | Position;

export function identityOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`;
}

/**
 * One open descriptor of a log. While it is held the kernel cannot give the inode to another file,
 * so that device and inode tell for certain whether a path still leads here.
 *
 * **Every read begins a little before the last one ended, and what overlaps must be the same.**
 * Shorter or different, and the file was truncated (copytruncate, `> access.log`), even if it has
 * grown past the old offset meanwhile; then it is read from its beginning. A size that shrank would
 * show only the slow half of these.
 *
 * What cannot be known: a file truncated and grown past the offset between two looks, whose last
 * KiB before the offset is the same byte by byte. Lines carry the second they were written in, so
 * that this takes the same requests in the same second. And what was written after our last look
 * and before the truncation is gone from this file; it is read from the copy that the rotation made
 * (copy.ts), where there is one. Lines written between copy and truncation are lost by copytruncate
 * itself.
 */
export class OpenLog {
  readonly identity: string;
  readonly #path: string;
  readonly #descriptor: number;
  readonly #splitter: LineSplitter;
  #offset = 0;
  /** The bytes before the offset, as they were read. */
  #tail: Buffer = nothing;

  /** Throws what `open` throws. */
  constructor(path: string, start: Start, sink: LineSink) {
    this.#path = path;
    this.#splitter = new LineSplitter(sink);
    // Should a pipe take the file's place just now, O_NONBLOCK keeps us from waiting for its
    // writer.
    this.#descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(this.#descriptor, { bigint: true });
      this.identity = identityOf(stats);
      if (start === "end") this.#skipTo(Number(stats.size));
      else if (start !== "beginning" && start.identity === this.identity)
        this.#skipTo(start.offset);
    } catch (error) {
      closeSync(this.#descriptor);
      throw error;
    }
  }

  get position(): Position {
    return { identity: this.identity, offset: this.#offset - this.#splitter.pending };
  }

  /** Reads all there is by now. Says whether there was anything. Throws what `read` throws. */
  read(): boolean {
    let any = false;
    for (;;) {
      const overlap = this.#tail.length;
      const length = readSync(this.#descriptor, chunk, 0, chunk.length, this.#offset - overlap);
      if (length < overlap || chunk.compare(this.#tail, 0, overlap, 0, overlap) !== 0) {
        this.#beginAgain();
        any = true;
      } else if (length === overlap) {
        return any;
      } else {
        this.#splitter.push(chunk.subarray(overlap, length));
        this.#offset += length - overlap;
        this.#tail = Buffer.from(chunk.subarray(Math.max(0, length - tailBytes), length));
        any = true;
        if (length < chunk.length) return any;
      }
    }
  }

  /** Nothing more is expected here: a last line without a newline counts. */
  finish(): void {
    this.#splitter.finish();
    this.close();
  }

  close(): void {
    try {
      closeSync(this.#descriptor);
    } catch {
      // Whatever fails, the descriptor is gone, and nothing was written that could be lost with it.
    }
  }

  #skipTo(offset: number): void {
    const from = Math.max(0, offset - tailBytes);
    const length = readSync(this.#descriptor, chunk, 0, offset - from, from);
    if (length < offset - from) return; // Truncated since its size was asked: all in it is new.
    this.#offset = offset;
    this.#tail = Buffer.from(chunk.subarray(0, length));
    if (length > 0 && chunk[length - 1] !== lineFeed) this.#splitter.beginTorn();
  }

  #beginAgain(): void {
    readCopy(this.#path, { tail: this.#tail, offset: this.#offset }, (bytes) => {
      this.#splitter.push(bytes);
    });
    this.#splitter.finish();
    this.#offset = 0;
    this.#tail = nothing;
  }
}

const nothing = Buffer.alloc(0);
const lineFeed = 0x0a;
const tailBytes = 1024;
/** One for all files: reads are synchronous, and what they yield is used before the next. */
const chunk = Buffer.allocUnsafeSlow(64 * 1024);
