import { createWriteStream, fstatSync } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { Writable } from "node:stream";

import { counted } from "../core/counted.ts";
import { errorCode, reasonOf } from "./failure.ts";
import { PatientWriter, type ReportTrouble } from "./patient-writer.ts";

/** Where log lines go. Never waits: what cannot be taken in time is given up, and counted. */
export interface LogSink {
  readonly stream: Writable;
  /** Looks whether somebody moved the file away, without waiting for the next line. */
  reopen(): void;
  settled(): Promise<void>;
  /** After the last line: writes what waits, and lets go of the file. */
  end(): Promise<void>;
}

/** Some ten thousand lines; then lines are given up. */
const waitingBytesMax = 1024 * 1024;

/**
 * Standard error without waiting. Node queues without end for a pipe or a socket that nobody reads,
 * as when the journal hangs, and waits for the disk when it is a file: the first is bounded here,
 * for the second the descriptor is written to in the background.
 */
export function standardErrorSink(): LogSink {
  const target = standardError();
  // Nobody is left to be told.
  target.on("error", () => {});
  const settled = (): Promise<void> =>
    target.writableLength === 0
      ? Promise.resolve()
      : new Promise((resolve) => target.write("", () => resolve()));
  return { stream: boundedStream(target), reopen: () => {}, settled, end: settled };
}

/**
 * Passes lines on as long as they are taken; those given up are counted, and told with the next
 * one.
 */
export function boundedStream(target: Writable): Writable {
  let lost = 0;
  return new Writable({
    decodeStrings: false,
    write: (line: string, _encoding, done) => {
      if (target.writableLength > waitingBytesMax) lost += 1;
      else {
        const told =
          lost === 0 ? "" : `${counted(lost, "line")} of this log lost: nobody read it\n`;
        target.write(told + line);
        lost = 0;
      }
      done();
    },
  });
}

/**
 * A file that is appended to, and found again after logrotate has moved it. Nothing is written to it before
 * `written`: the same file may have been left a moment ago.
 */
export function fileSink(path: string, report: ReportTrouble, written: Promise<void>): LogSink {
  const file = new LogFile(path);
  const writer = new PatientWriter({
    write: async () => {
      await written;
      await file.write();
    },
    sentence: (error) => `Cannot write the log ${path}: ${reasonOf(error)}`,
    report,
  });
  const stream = new Writable({
    decodeStrings: false,
    write: (line: string, _encoding, done) => {
      file.add(line);
      writer.wake();
      done();
    },
  });
  return {
    stream,
    reopen: () => writer.wake(),
    settled: () => writer.settled(),
    end: async () => {
      await writer.settled();
      await file.close();
    },
  };
}

class LogFile {
  readonly #path: string;
  #handle: FileHandle | undefined;
  #waiting: string[] = [];
  #waitingBytes = 0;

  constructor(path: string) {
    this.#path = path;
  }

  add(line: string): void {
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    while (this.#waitingBytes > waitingBytesMax) {
      this.#waitingBytes -= this.#waiting.shift()?.length ?? this.#waitingBytes;
    }
  }

  async write(): Promise<void> {
    const handle = await this.#current();
    const [lines, bytes] = [this.#waiting, this.#waitingBytes];
    this.#waiting = [];
    this.#waitingBytes = 0;
    try {
      await handle.writeFile(lines.join(""));
    } catch (error) {
      this.#waiting = [...lines, ...this.#waiting];
      this.#waitingBytes += bytes;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async #current(): Promise<FileHandle> {
    if (this.#handle !== undefined && (await this.#moved(this.#handle))) {
      await this.#handle.close();
      this.#handle = undefined;
    }
    this.#handle ??= await open(this.#path, "a", 0o640);
    return this.#handle;
  }

  async #moved(handle: FileHandle): Promise<boolean> {
    try {
      const [there, here] = await Promise.all([stat(this.#path), handle.stat()]);
      return there.ino !== here.ino || there.dev !== here.dev;
    } catch (error) {
      return errorCode(error) === "ENOENT";
    }
  }
}

function standardError(): Writable {
  return fstatSync(2).isFile()
    ? createWriteStream("", { fd: 2, autoClose: false })
    : process.stderr;
}
