import {
  chmodSync,
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { onTestFinished } from "vitest";

import { Follower, type FollowOptions } from "../../src/traffic/follow.ts";

/**
 * A line as nginx and Apache write it, with a number to know it by. It stands in the client's
 * address too, so that no two lines begin alike: what tells an old file from a new one are its
 * bytes.
 */
export const lineOf = (number: number): string =>
  `2001:db8::${number} - - [21/Nov/2026:04:43:00 +0000] "GET /${number} HTTP/1.1" 200 5\n`;

export const upTo = (last: number, first = 1): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** A directory that anybody may enter, gone after the test. */
export function openPlace(): string {
  const place = mkdtempSync(join(tmpdir(), "failover-log-"));
  chmodSync(place, 0o755);
  onTestFinished(() => rmSync(place, { recursive: true }));
  return place;
}

/** Numbers its lines through, and appends to the file it has open, whatever that is called. */
export class Server {
  written = 0;
  #file: number | undefined;
  #rest = "";

  open(log: string): void {
    this.close();
    this.#file = openSync(log, "a");
  }

  write(lines = 1): void {
    this.finishLine();
    for (let line = 0; line < lines; line += 1) this.#append(this.#next());
  }

  writeHalf(): void {
    this.finishLine();
    const line = this.#next();
    this.#append(line.slice(0, 30));
    this.#rest = line.slice(30);
  }

  finishLine(): void {
    if (this.#rest !== "") this.#append(this.#rest);
    this.#rest = "";
  }

  truncate(): void {
    ftruncateSync(this.#file as number);
  }

  close(): void {
    if (this.#file === undefined) return;
    this.finishLine();
    closeSync(this.#file);
    this.#file = undefined;
  }

  #next(): string {
    this.written += 1;
    return lineOf(this.written);
  }

  #append(text: string): void {
    writeSync(this.#file as number, text);
  }
}

/** A follower whose clock is turned by hand. */
export class LogReader {
  readonly numbers: number[] = [];
  readonly follower: Follower;
  #now = 0;

  constructor(path: string, options: Partial<FollowOptions> = {}) {
    this.follower = new Follower({
      path,
      start: "end",
      sink: {
        line: (text) => this.numbers.push(Number(/"GET \/(\d+) HTTP\/1.1" 200 5$/.exec(text)?.[1])),
        overlong: () => this.numbers.push(Number.NaN),
      },
      ...options,
    });
  }

  poll(pause = 50): void {
    this.#now += pause;
    this.follower.poll(this.#now);
  }

  trouble(): string | undefined {
    return this.follower.trouble(this.#now);
  }
}

/** Polled once, so that it stands at the end of what is there. */
export function follow(path: string, options: Partial<FollowOptions> = {}): LogReader {
  const reader = new LogReader(path, options);
  reader.poll();
  return reader;
}
