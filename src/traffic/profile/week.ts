import type { LineTime } from "../parse/time.ts";

/**
 * How many requests each quarter of an hour of the week brings, learnt from logs of any number of
 * weeks, in any order. The week is the one on the wall of whoever wrote the logs: people keep to
 * their clocks, daylight saving time included, and logs are written so.
 *
 * Requests are counted in quarters of the calendar, and only these are folded into a week: so a
 * quarter that three Mondays were logged of is divided by three, and a stretch that no log covers
 * is unknown, not quiet.
 */
export class WeekProfile {
  /** Requests by quarter of an hour since 1970, on the wall. */
  readonly #quarters = new Map<number, number>();
  #first = Number.POSITIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;
  #offset: number | undefined;

  /** False for a time that is not of this world's logs; the memory for them has a bound. */
  add(time: LineTime, zone: Zone): boolean {
    const { minute, offset } = onTheWall(time, zone);
    const quarter = Math.floor(minute / quarterMinutes);
    const known = this.#quarters.get(quarter);
    if (known === undefined && this.#quarters.size >= quartersMax) return false;
    this.#quarters.set(quarter, (known ?? 0) + 1);
    this.#first = Math.min(this.#first, minute);
    if (minute < this.#last) return true;
    this.#last = minute;
    this.#offset = offset;
    return true;
  }

  /** Of the newest line, in minutes east of UTC; undefined where none was written. */
  get offset(): number | undefined {
    return this.#offset;
  }

  /** The first and the last minute with a request, on the wall, since 1970. */
  get span(): { readonly from: number; readonly to: number } | undefined {
    return this.#quarters.size === 0 ? undefined : { from: this.#first, to: this.#last };
  }

  week(): Week {
    const requests = Array.from({ length: quartersOfWeek }, () => 0);
    const weeks = Array.from({ length: quartersOfWeek }, () => 0);
    const seen = [...this.#quarters].sort(([one], [other]) => one - other);
    let before: number | undefined;
    for (const [quarter, count] of seen) {
      requests[ofWeek(quarter)] = (requests[ofWeek(quarter)] ?? 0) + count;
      // What lies between two requests is covered, quiet though it is, unless it is too long for
      // a quiet site: then nobody logged, or another machine served.
      const gap = before === undefined ? 1 : quarter - before;
      for (let back = 0; back < (gap > gapMax ? 1 : gap); back += 1) {
        weeks[ofWeek(quarter - back)] = (weeks[ofWeek(quarter - back)] ?? 0) + 1;
      }
      before = quarter;
    }
    this.#trimEnds(weeks);
    return requests.map((count, index) => {
      const covered = weeks[index] ?? 0;
      return covered < leastCover ? undefined : count / covered;
    });
  }

  /** Of the first and the last quarter the logs cover a part: the last one is mostly still going on. */
  #trimEnds(weeks: number[]): void {
    const { span } = this;
    if (span === undefined) return;
    const [first, last] = [span.from, span.to].map((minute) => Math.floor(minute / quarterMinutes));
    const lead = (span.from % quarterMinutes) / quarterMinutes;
    const rest = (quarterMinutes - 1 - (span.to % quarterMinutes)) / quarterMinutes;
    for (const [quarter, part] of [
      [first as number, lead],
      [last as number, rest],
    ] as const) {
      weeks[ofWeek(quarter)] = (weeks[ofWeek(quarter)] ?? 0) - part;
    }
  }
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

function onTheWall(
  time: LineTime,
  zone: Zone,
): { readonly minute: number; readonly offset: number | undefined } {
  if (time.kind === "written") return { minute: time.minute, offset: time.offset };
  const offset = zone(time.seconds * 1000);
  return { minute: Math.floor(time.seconds / 60) + offset, offset };
}
