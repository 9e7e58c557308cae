import type { HandoverWord } from "./beat.ts";
import type { Effect } from "./effect.ts";
import { freshPeer } from "./judge.ts";
import type { Policy } from "./policy.ts";
import type { State } from "./state.ts";
import type { Handover, Outcome } from "./swap.ts";
import { type Instant, millis } from "./time.ts";

/** What a rule of the swap answers: the phase that follows, and what is to be done for it. */
export interface Phase {
  readonly handover: Handover;
  readonly effects: readonly Effect[];
  /** What an administrator reads in the log; empty where a phase needs no line. */
  readonly why: string;
}

/** How long each phase may take before it counts as failed. */
export const patience = {
  wanting: millis(10_000),
  measuring: millis(30_000),
  prepare: millis(60_000),
  silencing: millis(10_000),
  rehearsing: millis(40_000),
  taking: millis(3000),
  telling: millis(20_000),
  /** Beyond the target's own verifyTime. */
  watching: millis(15_000),
} as const;

/**
 * The kernel's rules remember a first packet for ten seconds, so that its repetition finds the same machine:
 * what was handed over is not over before that.
 */
export const firstPacketTime = millis(12_000);

export const phase = (handover: Handover, why = ""): Phase => ({ handover, effects: [], why });

export function ended(
  of: { readonly id: string },
  result: Outcome["result"],
  reason: string,
  at: Instant,
): Phase {
  const words = {
    done: "done",
    refused: "refused, nothing has moved",
    "rolled-back": "rolled back",
  };
  const why = `Swap ${of.id}: ${words[result]}${reason === "" ? "" : `: ${reason}`}`;
  return phase({ kind: "none", last: { id: of.id, result, reason, at } }, why);
}

/** What the peer says of this very swap, while it is heard. */
export function wordOf(
  state: State,
  id: string,
  now: Instant,
  policy: Policy,
): HandoverWord | undefined {
  const word = freshPeer(state, now, policy)?.beat.handover;
  return word?.id === id ? word : undefined;
}
