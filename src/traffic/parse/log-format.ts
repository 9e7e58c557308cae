import { readJsonLine } from "./json-line.ts";
import { lineFormats, type LogLine, readLine } from "./line.ts";
import { compilePattern } from "./pattern.ts";
import type { Unusable } from "./piece.ts";

/** Formats that have a name; anything else is a pattern in the web server's own notation. */
export const namedLogFormats = [...lineFormats, "json"] as const;

/** Reads a line decoded as latin1; undefined where it does not fit the format; never throws. */
export type LineReader = (line: string) => LogLine | undefined;

export type CompiledFormat = { readonly kind: "compiled"; readonly read: LineReader } | Unusable;

/**
 * Makes the reader of a format: one of `namedLogFormats`, Apache's `LogFormat` or nginx's
 * `log_format`, alone or as the whole directive. What is wrong with a pattern is answered with its
 * place, not thrown.
 */
export function compileFormat(format: string): CompiledFormat {
  if (format === "json") return { kind: "compiled", read: readJsonLine };
  const named = lineFormats.find((name) => name === format);
  if (named === undefined) return compilePattern(format);
  return { kind: "compiled", read: (line) => readLine(line, named) };
}

/** The reader of a format that a valid configuration has; throws on any other. */
export function lineReader(format: string): LineReader {
  const compiled = compileFormat(format);
  if (compiled.kind === "compiled") return compiled.read;
  const { found, allowed } = compiled;
  throw new Error(`Cannot read lines of this format: found ${found}, allowed is ${allowed}`);
}
