export interface Sums {
  readonly lines: number;
  readonly requests: number;
  readonly errors: number;
  readonly unreadable: number;
}

/** What one second brought; `second`: of the monotonic clock, -1 before its first use. */
export interface Bucket extends Sums {
  second: number;
  lines: number;
  requests: number;
  errors: number;
  unreadable: number;
}

/** A minute of counts in buckets of a second: memory does not grow with traffic. */
export class LastMinute {
  readonly #buckets: readonly Bucket[] = Array.from({ length: 61 }, () => ({ ...empty }));

  /** The bucket of the second that `now`, in monotonic milliseconds, lies in. */
  at(now: number): Bucket {
    const second = Math.floor(now / 1000);
    const bucket = this.#buckets[second % this.#buckets.length] as Bucket;
    if (bucket.second !== second) Object.assign(bucket, empty, { second });
    return bucket;
  }

  /** The sums of the seconds that began at `since` or later, at most sixty of them. */
  sum(since: number): Sums {
    const sums = { ...empty };
    for (const bucket of this.#buckets) {
      if (bucket.second * 1000 < since) continue;
      sums.lines += bucket.lines;
      sums.requests += bucket.requests;
      sums.errors += bucket.errors;
      sums.unreadable += bucket.unreadable;
    }
    return sums;
  }
}

/** The first whole second of the last `span`: from here on the buckets are what they say. */
export function firstSecond(now: number, span: number): number {
  return Math.ceil((now - span) / 1000) * 1000;
}

const empty: Bucket = { second: -1, lines: 0, requests: 0, errors: 0, unreadable: 0 };
