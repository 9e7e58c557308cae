import type { Zone } from "./week.ts";

/**
 * Between the clock on the wall and instants, in milliseconds since 1970. A wall clock skips an hour
 * in spring and shows one twice in autumn, so that a time on it belongs to no instant, one or two.
 */

/** Minutes since 1970 as the wall shows them. */
export function wallMinute(instant: number, zone: Zone): number {
  return Math.floor(instant / 60_000) + zone(instant);
}

/** When the wall shows this minute, earliest first; empty: it is skipped. */
export function instantsOf(minute: number, zone: Zone): readonly number[] {
  const day = 86_400_000;
  // No zone changes its clocks twice within two days, so these are all offsets it could have.
  const offsets = new Set([zone(minute * 60_000 - day), zone(minute * 60_000 + day)]);
  return [...offsets]
    .map((offset) => ({ offset, instant: (minute - offset) * 60_000 }))
    .filter(({ offset, instant }) => zone(instant) === offset)
    .map(({ instant }) => instant)
    .sort((one, other) => one - other);
}

/**
 * The next instant after `after` at which the wall shows this minute of a day or week; `period` in
 * minutes says which. A time that the wall skips is found on the day or in the week that has it.
 */
export function nextAt(
  { minute, period }: { readonly minute: number; readonly period: number },
  after: number,
  zone: Zone,
): number {
  const today = wallMinute(after, zone);
  // What the wall has shown today it may show again, in autumn: so it begins with the last time.
  const first = Math.floor((today - minute) / period) * period + minute;
  for (let turn = 0; ; turn += 1) {
    const found = instantsOf(first + turn * period, zone).find((instant) => instant > after);
    if (found !== undefined) return found;
  }
}

/** This machine's zone, as the environment variable TZ or /etc/localtime say. */
export const localZone: Zone = (instant) => -new Date(instant).getTimezoneOffset();
