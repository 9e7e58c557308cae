import { instantsOf, nextAt } from "../traffic/profile/wall-clock.ts";
import type { Zone } from "../traffic/profile/week.ts";
import { readSpan } from "./spans.ts";

/** An hour as people name it, in milliseconds since 1970; or why it is none, in words after a colon. */
export type Hour =
  | { readonly kind: "hour"; readonly at: number }
  | { readonly kind: "none"; readonly found: string };

/**
 * `03:40`, the next time that the clock on the wall shows it; `2026-11-30T03:40` on that wall, or
 * with `Z` or an offset; `+2h` from now. `now`: milliseconds since 1970.
 */
export function readHour(text: string, now: number, zone: Zone): Hour {
  const clock = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (clock !== null) {
    const minute = Number(clock[1]) * 60 + Number(clock[2]);
    return { kind: "hour", at: nextAt({ minute, period: 1440 }, now, zone) };
  }
  const ahead = text.startsWith("+") ? readSpan(text.slice(1)) : undefined;
  if (ahead !== undefined) return { kind: "hour", at: now + ahead };
  const date = /^(\d{4}-\d\d-\d\dT\d\d:\d\d)(Z|[+-]\d\d:\d\d)?$/.exec(text);
  if (date === null) return none("it is no hour such as 03:40, 2026-11-30T03:40, +2h or quiet");
  const [, written = "", offset] = date;
  const parsed = Date.parse(`${written}${offset ?? "Z"}`);
  if (Number.isNaN(parsed) || !exists(written)) return none("there is no such day or hour");
  const instants = offset === undefined ? instantsOf(parsed / 60_000, zone) : [parsed];
  if (instants.length === 0) return none("the clocks go forward then, and never show it");
  const at = instants.find((instant) => instant > now);
  return at === undefined ? none("it has passed") : { kind: "hour", at };
}

/** 30 February is otherwise taken for 2 March. */
function exists(written: string): boolean {
  const parsed = Date.parse(`${written}Z`);
  return !Number.isNaN(parsed) && new Date(parsed).toISOString().startsWith(written);
}

function none(found: string): Hour {
  return { kind: "none", found };
}
