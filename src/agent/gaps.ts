import { elapsed, type Instant, type Millis, millis, times } from "../core/time.ts";

/**
 * How long the silences between beats really are: per path, and over all paths together. The last
 * is what a takeover waits for, so it is the one whose `deadTimeAllowed` an administrator may put
 * into the configuration; a path's own tells which cable is the worse one.
 */
export class Gaps {
  readonly together = new GapHistogram();
  readonly byPath: readonly GapHistogram[];

  /** @param paths 1 to 8 */
  constructor(paths: number) {
    this.byPath = Array.from({ length: paths }, () => new GapHistogram());
  }

  /** A sign of life on this path. */
  heard(path: number, now: Instant): void {
    this.together.heard(now);
    this.byPath[path]?.heard(now);
  }

  /**
   * The silence that ends now says nothing about the network: the peer was restarted or said
   * goodbye, or our own loop was late.
   */
  skip(): void {
    this.together.skip();
    for (const path of this.byPath) path.skip();
  }
}

/**
 * Counts gaps in buckets that grow by a fourth root of two, 19 %, from 1 ms to 10 s: fine enough
 * for a percentile, small enough to keep for ever. Recording allocates nothing.
 */
class GapHistogram {
  private readonly counts = new Uint32Array(bucketCount);
  private total = 0;
  private silences = 0;
  private longestGap: Millis = millis(0);
  private longestEnded: Instant | undefined;
  private last: Instant | undefined;

  heard(now: Instant): void {
    const gap = this.last === undefined ? undefined : elapsed(this.last, now);
    this.last = now;
    if (gap !== undefined) this.count(gap, now);
  }

  skip(): void {
    this.last = undefined;
  }

  report(): GapReport {
    const longest =
      this.longestEnded === undefined
        ? undefined
        : { gap: this.longestGap, endedAt: this.longestEnded };
    const enough = this.total >= enoughGaps;
    return {
      gaps: this.total,
      silences: this.silences,
      longest,
      usual: this.quantile(0.5),
      rare: this.quantile(0.999),
      deadTimeAllowed: enough ? allowed(this.longestGap) : undefined,
    };
  }

  private count(gap: Millis, now: Instant): void {
    if (gap > gapMax) {
      this.silences += 1;
      return;
    }
    const bucket = bucketOf(gap);
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.total += 1;
    if (gap >= this.longestGap) {
      this.longestGap = gap;
      this.longestEnded = now;
    }
  }

  /** The upper end of the bucket that this share of all gaps does not go beyond. */
  private quantile(share: number): Millis | undefined {
    let seen = 0;
    for (let bucket = 0; bucket < bucketCount; bucket += 1) {
      seen += this.counts[bucket] ?? 0;
      if (seen > 0 && seen >= share * this.total) return millis(upperEnd(bucket));
    }
    return undefined;
  }
}

export interface GapReport {
  /** Gaps counted. */
  readonly gaps: number;
  /** Silences of more than 10 s: an outage and no gap, so they are in none of the other figures. */
  readonly silences: number;
  readonly longest: { readonly gap: Millis; readonly endedAt: Instant } | undefined;
  /** Half of the gaps are no longer; known to 19 %. */
  readonly usual: Millis | undefined;
  /** All but one in a thousand are no longer; known to 19 %. */
  readonly rare: Millis | undefined;
  /**
   * The shortest deadTime that these gaps allow: half as much again as the longest, because the
   * longest so far is not the longest there will be, in whole steps of 10 ms. Undefined before 1000
   * gaps, when it would be a guess. It is the longest and no percentile: one gap beyond deadTime is
   * one suspicion.
   */
  readonly deadTimeAllowed: Millis | undefined;
}

const gapMax = millis(10_000);
const enoughGaps = 1000;
const bucketsPerDoubling = 4;
const bucketCount = bucketOf(gapMax) + 1;

/** Bucket 0 ends at 1 ms; every further one at the fourth root of two times the one before. */
function bucketOf(gap: Millis): number {
  return Math.max(0, Math.ceil(Math.log2(gap) * bucketsPerDoubling));
}

function upperEnd(bucket: number): number {
  return 2 ** (bucket / bucketsPerDoubling);
}

function allowed(longest: Millis): Millis {
  return millis(Math.ceil(times(longest, 1.5) / 10) * 10);
}
