import { exitCodes, Failure } from "./failure.ts";
import type { Status } from "./status.ts";

/** What `promote` was typed with, as far as words can be at odds. */
export interface Typed {
  readonly node: string;
  readonly cut: boolean;
  readonly share?: number;
  readonly for?: number;
  readonly drain?: number;
  readonly at?: string;
  readonly within?: number;
}

/** Throws a Failure for an option that would be read and not obeyed. */
export function refuseMisfits({ node, cut, share, drain, at, within, ...typed }: Typed): void {
  const refuse = (sentence: string): never => {
    throw new Failure(exitCodes.usage, sentence);
  };
  if (typed.for !== undefined && share === undefined)
    refuse("Cannot use --for: it belongs to --share");
  if (within !== undefined && at !== "quiet")
    refuse("Cannot use --within: it belongs to --at quiet");
  if (at !== undefined && (cut || share !== undefined || drain !== undefined))
    refuse(
      `Cannot promote ${node} at ${at} with --cut, --share or --drain: a swap that waits goes as configured`,
    );
}

/**
 * Throws a Failure where a swap is under way that this order can neither begin beside nor change. One that
 * is leaving `node` is no success of its promotion, though it still holds the address.
 */
export function refuseMeanwhile(node: string, { handover, node: here }: Status): void {
  if (handover === null || handover.held) return;
  const { from, to } = handover;
  // What is held is known to the holder's agent alone.
  const there = from === here ? "" : `; a share that is held is told to go on, or back, on ${from}`;
  throw new Failure(
    exitCodes.refused,
    `Cannot promote ${node}: the handover ${from} → ${to} is not over yet${there}`,
  );
}
