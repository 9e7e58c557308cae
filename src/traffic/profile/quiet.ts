import { quarterMinutes, type Week, weekMinutes } from "./week.ts";

export interface Window {
  /** Minutes of the week, from Monday 00:00. */
  readonly start: number;
  /** Minutes; 1 to a day. */
  readonly length: number;
  /** How many requests it brings in an average week. */
  readonly requests: number;
}

/**
 * Requests in a window of `length` minutes; undefined where a part of it is unknown. Within a
 * quarter they are taken to be spread evenly.
 */
export function expectedRequests(week: Week, start: number, length: number): number | undefined {
  let sum = 0;
  for (let at = start; at < start + length; ) {
    const end = Math.min(start + length, (Math.floor(at / quarterMinutes) + 1) * quarterMinutes);
    const requests = week[Math.floor(at / quarterMinutes) % week.length];
    if (requests === undefined) return undefined;
    sum += (requests * (end - at)) / quarterMinutes;
    at = end;
  }
  return sum;
}

/**
 * The quietest window of `length` minutes that begins within `within` minutes of `now`, a minute of
 * the week; of several the next. Windows begin at whole five minutes, as people make appointments.
 * Undefined where every one has an unknown part.
 */
export function quietestWindow(
  week: Week,
  {
    length,
    now,
    within,
  }: { readonly length: number; readonly now: number; readonly within: number },
): Window | undefined {
  let best: Window | undefined;
  const first = Math.ceil(now / stepMinutes) * stepMinutes;
  const last = Math.min(now + within, first + weekMinutes - stepMinutes);
  for (let start = first; start <= last; start += stepMinutes) {
    const requests = expectedRequests(week, start, length);
    // Sums of the same parts in another order differ in their last digit.
    if (requests === undefined || (best !== undefined && requests > best.requests - 1e-6)) continue;
    best = { start: start % weekMinutes, length, requests };
  }
  return best;
}

const stepMinutes = 5;
