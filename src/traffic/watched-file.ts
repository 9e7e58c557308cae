import { Follower } from "./follow.ts";
import { LastMinute, type Sums } from "./last-minute.ts";
import { lineBytesMax } from "./lines.ts";
import type { Start } from "./open-log.ts";
import { isAnswered, isServerError, type LogLine } from "./parse/line.ts";
import { type LineReader, lineReader } from "./parse/log-format.ts";

export interface WatchedFileOptions {
  readonly path: string;
  readonly start: Start;
  readonly format: string;
  /** A line was read; undefined for one that does not fit the format. */
  readonly onLine: (line: LogLine | undefined) => void;
}

/** One access_log: followed, parsed, counted, and judged for being readable at all. */
export class WatchedFile {
  readonly #options: WatchedFileOptions;
  readonly #follower: Follower;
  readonly #read: LineReader;
  readonly #minute = new LastMinute();
  #now = 0;
  #sample = "";
  #garbled = false;
  #told: string | undefined;

  constructor(options: WatchedFileOptions) {
    this.#options = options;
    this.#read = lineReader(options.format);
    this.#follower = new Follower({
      path: options.path,
      start: options.start,
      sink: {
        line: (text) => this.#take(text),
        overlong: () => this.#count(undefined, `one of more than ${lineBytesMax} bytes`),
      },
    });
  }

  get position(): Start {
    return this.#follower.position;
  }

  poll(now: number): void {
    this.#now = now;
    this.#follower.poll(now);
  }

  /** The seconds that began at `since` or later. */
  sum(since: number): Sums {
    return this.#minute.sum(since);
  }

  get path(): string {
    return this.#options.path;
  }

  /**
   * What is wrong, as a sentence, once; again only after it was well, or otherwise wrong, in
   * between. An answer without a sentence: it is over.
   */
  newTrouble(now: number): { readonly sentence: string | undefined } | undefined {
    this.#judge(now);
    const lasting = this.#follower.trouble(now);
    const trouble = lasting ?? (this.#garbled ? "garbled" : undefined);
    if (trouble === this.#told) return undefined;
    this.#told = trouble;
    return { sentence: trouble === "garbled" ? this.#garbledSentence(now) : trouble };
  }

  close(): void {
    this.#follower.close();
  }

  #take(text: string): void {
    this.#count(this.#read(text), text);
  }

  #count(line: LogLine | undefined, text: string): void {
    const bucket = this.#minute.at(this.#now);
    bucket.lines += 1;
    if (line === undefined) {
      bucket.unreadable += 1;
      this.#sample = JSON.stringify(text.slice(0, 80));
    } else if (line.canary === undefined && isAnswered(line.status)) {
      bucket.requests += 1;
      if (isServerError(line.status)) bucket.errors += 1;
    }
    this.#options.onLine(line);
  }

  /**
   * More than a tenth of a minute's lines, at least twenty of them, is not an odd line but another
   * format.
   */
  #judge(now: number): void {
    const { lines, unreadable } = this.#minute.sum(now - 60_000);
    this.#garbled = this.#garbled
      ? unreadable * 20 > lines
      : lines >= 20 && unreadable * 10 > lines;
  }

  #garbledSentence(now: number): string {
    const { lines, unreadable } = this.#minute.sum(now - 60_000);
    const { path, format } = this.#options;
    return (
      `Cannot read ${unreadable} of the last ${lines} lines of ${path}: they do not fit the ` +
      `format "${format}", such as ${this.#sample}; set logFormat to what the web server writes`
    );
  }
}
