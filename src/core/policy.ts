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
  /** Served requests that prove the target, at least 1. */
  readonly minRequests: number;
  /** Error rate allowed above the baseline, 0 to 1. */
  readonly maxErrorRate: number;
  readonly verifyTime: Millis;
}
