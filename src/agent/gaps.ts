import { elapsed, type Instant, type Millis, millis, times } from "../core/time.ts";

/** How long the silences between beats really are, on each path: which deadTime the network deserves. */
export class Gaps {
  readonly byPath: readonly PathGaps[];

  /** @param paths 1 to 8 */
  constructor(paths: number) {
    this.byPath = Array.from({ length: paths }, () => new PathGaps());
  }

  /** A sign of life on this path. */
  heard(path: number, now: Instant): void {
    this.byPath[path]?.heard(now);
  }

  /**
   * The silence that ends now says nothing about the network: the peer was restarted or said
   * goodbye, or our own loop was late.
   */
  skip(): void {
    for (const path of this.byPath) path.skip();
  }
}

/** Recording allocates nothing. */
class PathGaps {
  /** Of those of 10 s at the most: a longer one is an outage and no gap. */
  longest: Millis | undefined;
  private total = 0;
  private last: Instant | undefined;

  heard(now: Instant): void {
    const gap = this.last === undefined ? undefined : elapsed(this.last, now);
    this.last = now;
    if (gap === undefined || gap > gapMax) return;
    this.total += 1;
    if (this.longest === undefined || gap > this.longest) this.longest = gap;
  }

  skip(): void {
    this.last = undefined;
  }

  /**
   * The shortest deadTime that these gaps allow: half as much again as the longest, because the
   * longest so far is not the longest there will be, in whole steps of 10 ms. Undefined before 1000
   * gaps, when it would be a guess. It is the longest and no percentile: one gap beyond deadTime is
   * one suspicion.
   */
  get deadTimeAllowed(): Millis | undefined {
    if (this.longest === undefined || this.total < enoughGaps) return undefined;
    return millis(Math.ceil(times(this.longest, 1.5) / 10) * 10);
  }
}

const gapMax = millis(10_000);
const enoughGaps = 1000;
