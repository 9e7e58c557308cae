import { InvalidArgumentError } from "commander";

import { type Millis, millis } from "../core/time.ts";
import { duration, ipAddress, rate } from "./configuration/formats.ts";
import { readSpan } from "./spans.ts";

/** What is typed behind an option, read; what cannot be is an error of usage that says what is allowed. */

export function count(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError("It is no number above 0.");
  return Number(text);
}

export function share(text: string): number {
  const read = rate.read(text);
  if (read === undefined || read === 0) throw new InvalidArgumentError("It is no rate above 0%.");
  return read;
}

export function time(text: string): Millis {
  const { read, allowed } = duration("1s", "1440m");
  const found = read(text);
  if (found === undefined) throw new InvalidArgumentError(`It is not ${allowed}.`);
  return found;
}

export function drainTime(text: string): Millis {
  return text === "wait" ? millis(Number.POSITIVE_INFINITY) : time(text);
}

export function addresses(text: string): readonly string[] {
  const found = text.split(",").map((word) => ({ word, address: ipAddress.read(word.trim()) }));
  const wrong = found.find(({ address }) => address === undefined);
  if (wrong !== undefined)
    throw new InvalidArgumentError(`"${wrong.word}" is not ${ipAddress.allowed}.`);
  return found.flatMap(({ address }) => address ?? []);
}

/** Milliseconds. */
export function spanFrom(least: string, most: string): (text: string) => number {
  return (text) => {
    const [given, from, to] = [text, least, most].map(readSpan);
    if (given !== undefined && given >= (from ?? 0) && given <= (to ?? 0)) return given;
    throw new InvalidArgumentError(`It is no span from ${least} to ${most}, such as 5m or 2h.`);
  };
}

export function several(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}
