import type { LineTime } from "../parse/time.ts";

/**
 * How many requests each quarter of an hour of the week brings, learnt from logs of any number of
 * weeks, in any order. The week is the one on the wall of whoever wrote the logs: people keep to
 * their clocks, daylight saving time included, and logs are written so.
 *
 * Requests are counted in quarters of the calendar, and only these are folded into a week: so a
 * quarter that three Mondays were logged of is divided by three, a stretch that no log covers is
 * unknown, not quiet, and so is the hour that a wall skips in spring.
 */
export class WeekProfile {
  /** By quarter of an hour since 1970 in UTC: no clock on a wall skips or repeats any of these. */
  readonly #quarters = new Map<number, Quarter>();
  readonly #from: number;
  #first: Seen | undefined;
  #last: Seen | undefined;

  /** `from`, in minutes since 1970: a line that is older says nothing of today, and is left out. */
  constructor(from = Number.NEGATIVE_INFINITY) {
    this.#from = from;
  }

  /** False for a time that is not of this world's logs; the memory for them has a bound. */
  add(time: LineTime, zone: Zone): boolean {
    const seen = seenAt(time, zone);
    if (seen.minute < this.#from) return true;
    const index = Math.floor(seen.minute / quarterMinutes);
    const quarter = this.#quarters.get(index);
    if (quarter !== undefined) quarter.requests += 1;
    else if (this.#quarters.size >= quartersMax) return false;
    else this.#quarters.set(index, { requests: 1, shift: shiftOf(seen) });
    if (this.#first === undefined || seen.minute < this.#first.minute) this.#first = seen;
    if (this.#last === undefined || seen.minute >= this.#last.minute) this.#last = seen;
    return true;
  }

  /** Of the newest line, in minutes east of UTC; undefined where none was written. */
  get offset(): number | undefined {
    return this.#last?.offset;
  }

  /** The first and the last minute with a request, on the wall, since 1970. */
  get span(): { readonly from: number; readonly to: number } | undefined {
    const [first, last] = [this.#first, this.#last];
    if (first === undefined || last === undefined) return undefined;
    return { from: first.minute + (first.offset ?? 0), to: last.minute + (last.offset ?? 0) };
  }

  week(): Week {
    const sums = Array.from({ length: quartersOfWeek }, () => ({ requests: 0, weeks: 0 }));
    const at = (quarter: number): Sum => sums[ofWeek(quarter)] as Sum;
    const seen = [...this.#quarters].sort(([one], [other]) => one - other);
    let before: number | undefined;
    for (const [quarter, { requests, shift }] of seen) {
      at(quarter + shift).requests += requests;
      // What lies between two requests is covered, quiet though it is, unless it is too long for
      // a quiet site: then nobody logged, or another machine served.
      const gap = before === undefined ? 1 : quarter - before;
      for (let back = 0; back < (gap > gapMax ? 1 : gap); back += 1) {
        at(quarter - back + shift).weeks += 1;
      }
      before = quarter;
    }
    this.#trimEnds(at);
    return sums.map(({ requests, weeks }) => (weeks < leastCover ? undefined : requests / weeks));
  }

  /** Of the first and the last quarter the logs cover a part: the last is mostly still going on. */
  #trimEnds(at: (quarter: number) => Sum): void {
    const [first, last] = [this.#first, this.#last];
    if (first === undefined || last === undefined) return;
    const place = (seen: Seen): number => Math.floor(seen.minute / quarterMinutes) + shiftOf(seen);
    const into = (seen: Seen): number =>
      seen.minute - quarterMinutes * (place(seen) - shiftOf(seen));
    at(place(first)).weeks -= into(first) / quarterMinutes;
    at(place(last)).weeks -= (quarterMinutes - 1 - into(last)) / quarterMinutes;
  }
}

interface Quarter {
  requests: number;
  /** Quarters by which the wall was ahead of UTC. */
  readonly shift: number;
}

interface Sum {
  requests: number;
  weeks: number;
}

/** When a request was answered: minutes since 1970 in UTC, and those of the wall ahead of it. */
interface Seen {
  readonly minute: number;
  readonly offset: number | undefined;
}

/** Requests in each quarter of an hour of an average week, from Monday 00:00; undefined: unknown. */
export type Week = readonly (number | undefined)[];

/** Minutes east of UTC at an instant, in milliseconds since 1970, on the wall of this machine. */
export type Zone = (instant: number) => number;

export const quarterMinutes = 15;
const quartersOfWeek = 7 * 96;
export const weekMinutes = quartersOfWeek * quarterMinutes;

/** Almost three years of quarters: times beyond are somebody's mistake. */
const quartersMax = 100_000;
/** A day without a request is not a quiet hour. */
const gapMax = 96;
/** A minute of one week: below, there is nothing to divide by. */
const leastCover = 0.9 / quarterMinutes;

/** The minute of the week, from Monday 00:00, of a minute since 1970, which began on a Thursday. */
export function minuteOfWeek(minute: number): number {
  const thursday = 3 * 1440;
  return (((minute + thursday) % weekMinutes) + weekMinutes) % weekMinutes;
}

function ofWeek(quarter: number): number {
  return minuteOfWeek(quarter * quarterMinutes) / quarterMinutes;
}

/** All clocks of today are whole quarters apart. A wall without an offset is taken as it stands. */
function shiftOf({ offset }: Seen): number {
  return Math.round((offset ?? 0) / quarterMinutes);
}

function seenAt(time: LineTime, zone: Zone): Seen {
  if (time.kind === "written") {
    return { minute: time.minute - (time.offset ?? 0), offset: time.offset };
  }
  return { minute: Math.floor(time.seconds / 60), offset: zone(time.seconds * 1000) };
}
