import { basename } from "node:path";

import { exitCodes, Failure } from "../failure.ts";

/** A line of a file, from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** `ha.cf:12`: how a comment names it. */
export function shortPlace({ file, line }: Place): string {
  return `${basename(file)}:${line}`;
}

/** A foreign file that cannot be read at all; what is merely unknown in one is a remark. */
export function unreadable({ file, line }: Place, found: string): Failure {
  return new Failure(exitCodes.usage, `Cannot read ${file}:${line}: ${found}`);
}

/** What stands there, as a sentence quotes it: one line, no control characters, not too long. */
export function quoted(words: readonly string[]): string {
  const line = words.join(" ").replace(/\p{Cc}+/gu, " ");
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}
