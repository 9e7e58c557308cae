import type { Millis } from "./time.ts";

/**
 * What the configuration says, as far as decisions need it. The same rules run on both machines;
 * preference is data.
 */
export interface Policy {
  readonly node: string;
  readonly peer: string;
  /** This node stands first in `nodes`: it takes a vacant address when both could. */
  readonly first: boolean;
  /** Digest of what both configurations must agree on, 16 hex digits. */
  readonly configuration: string;
  /**
   * One entry a path, in the order of the configuration; `service`: it crosses the service network.
   */
  readonly paths: readonly { readonly service: boolean }[];
  /** A witness is configured or was found. */
  readonly witness: boolean;
  readonly interval: Millis;
  readonly deadTime: Millis;
  readonly confirmTime: Millis;
  readonly lease: Millis;
  readonly bootTime: Millis;
  readonly swap: SwapPolicy;
}

export interface SwapPolicy {
  /** `drain`: connections are handed over and end where they began; `cut`: the address moves. */
  readonly mode: "drain" | "cut";
  /** Shares of new connections, 0 to 1, one after the other; the last one is 1. */
  readonly steps: readonly number[];
  /**
   * How long the diversion remembers who comes before it hands anybody over: longer than a client's
   * second repetition of a first packet whose answer was lost, 3 s (RFC 6298, section 2.1).
   */
  readonly warmTime: Millis;
  /** How long the first holder keeps what is open there; may be infinite. */
  readonly drainTime: Millis;
  /** Served requests that prove the target, at least 1. */
  readonly minRequests: number;
  /** Error rate allowed above the baseline, 0 to 1. */
  readonly maxErrorRate: number;
  readonly verifyTime: Millis;
}
