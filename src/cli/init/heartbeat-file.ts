import type { Place } from "./place.ts";
import { unreadable } from "./place.ts";

/** A directive of ha.cf, or a resource group of haresources. */
export interface Line {
  readonly place: Place;
  readonly words: readonly string[];
}

/** More is no configuration of two machines. */
const linesMax = 10_000;

/**
 * Words separated by blanks; `#` begins a comment wherever it stands (heartbeat's ha_config.c), and a
 * backslash at the end continues a line. A continued line has the number of its first.
 */
export function linesOf(file: string, text: string): readonly Line[] {
  const rows = text.split(/\r?\n/);
  if (rows.length > linesMax) throw unreadable({ file, line: linesMax }, "the file goes on");
  const lines: Line[] = [];
  let begun: { line: number; text: string } | undefined;
  for (const [index, row] of rows.entries()) {
    const bare = row.replace(/#.*$/, "");
    const whole = { line: begun?.line ?? index + 1, text: `${begun?.text ?? ""} ${bare}` };
    const continued = /\\\s*$/.test(bare) && index < rows.length - 1;
    begun = continued ? { ...whole, text: whole.text.replace(/\\\s*$/, "") } : undefined;
    if (begun !== undefined) continue;
    const words = whole.text.split(/\s+/).filter((word) => word !== "");
    if (words.length > 0) lines.push({ place: { file, line: whole.line }, words });
  }
  return lines;
}

/**
 * Milliseconds of `10` (seconds), `1500ms` or `1.5s`, as heartbeat's get_msec reads them; undefined
 * where it is none.
 */
export function heartbeatMillis(text: string): number | undefined {
  const match = /^(\d{1,7}(?:\.\d{1,6})?)(ms|msec|us|usec|s|sec)?$/i.exec(text);
  if (match === null) return undefined;
  const unit = (match[2] ?? "s").toLowerCase();
  return Number(match[1]) * (unit.startsWith("ms") ? 1 : unit.startsWith("us") ? 0.001 : 1000);
}
