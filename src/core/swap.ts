import type { HandoverId, MacAddress } from "./beat.ts";
import { type Instant, type Millis, millis } from "./time.ts";

/** Requests and server errors, and the span they were counted in. */
export interface Counts {
  readonly requests: number;
  readonly errors: number;
  readonly span: Millis;
}

export const handoverResults = ["done", "refused", "rolled-back"] as const;

export interface Outcome {
  readonly id: HandoverId;
  readonly result: (typeof handoverResults)[number];
  readonly reason: string;
  readonly at: Instant;
}

/** A planned swap as one side sees it. `since` is when its phase began. */
export type Handover =
  | { readonly kind: "none"; readonly last: Outcome | undefined }
  /** Target: its operator spoke, and the holder has not begun. */
  | {
      readonly kind: "wanting";
      readonly id: HandoverId;
      readonly since: Instant;
      readonly cut: boolean;
      readonly serving: boolean;
    }
  | Giving
  | Receiving;

export interface Giving {
  readonly kind: "giving";
  readonly id: HandoverId;
  readonly since: Instant;
  readonly way: Way;
  /** The target's MAC when the swap began. */
  readonly to: MacAddress;
  readonly phase: CutPhase | DrainPhase;
  readonly baseline: Counts;
  readonly taggedAt: Instant | undefined;
  /** Why it was rolled back, or how it ended for everybody else. */
  readonly reason: string;
}

type CutPhase =
  | "measuring"
  | "prepare"
  /** No new connection is let in, and those that are open end by themselves. */
  | "closing"
  /** The address is to go. */
  | "release"
  /** It was observed gone: the target may take. */
  | "released"
  /** The target holds: its proof is awaited. */
  | "watching";

export type DrainPhase =
  /** New connections go to the target, by the step's share. */
  | "diverting"
  /** What stays here is being listed. */
  | "listing"
  /** And told to the target. */
  | "telling"
  /** Everything else is to go to the target. */
  | "turning"
  /** It does: the target may take. */
  | "moving"
  /** The target holds, and what began here ends here. */
  | "draining"
  /** Over for everybody but neighbours with an old entry. */
  | "lingering"
  /** Rolled back: what was handed over ends there. */
  | "recalling"
  /** Rolled back, and the target is gone: the clients of what was handed over are told. */
  | "resetting";

export type Way = { readonly kind: "cut" } | Drain;

export interface Drain {
  readonly kind: "drain";
  readonly steps: readonly number[];
  /** Index of the step under way. */
  readonly step: number;
  /** Clients that are handed over whatever the share: a preview, which is never moved. */
  readonly testers: readonly string[];
  /** The step is held for so long, or until an operator says more: then back. */
  readonly hold: Millis | undefined;
  readonly drainTime: Millis;
}

export interface Receiving {
  readonly kind: "receiving";
  readonly id: HandoverId;
  readonly since: Instant;
  readonly phase: /** Silent address going up. */
    | "silencing"
    | "rehearsing"
    | "ready"
    /** Ours to take: the holder's address is gone, or its door leads here. */
    | "taking"
    | "verifying"
    /** The proof did not come: ours to let go. */
    | "returning"
    /** It was observed gone: the first holder may take. */
    | "returned"
    /* In drain mode. */
    /** Silently, what is handed over, and counting it. */
    | "serving"
    /** Enough of it, and well: the holder may go on. */
    | "proved"
    /** What the holder keeps is known, and handed back from now on. */
    | "placed"
    /** Holding, and handing that back. */
    | "keeping"
    /** Rolled back: what was handed over ends here. */
    | "receding"
    /** Done, and the first holder is gone: the clients of what it kept are told. */
    | "resetting";
  /** The holder's MAC when the swap began. */
  readonly to: MacAddress;
  readonly baseline: Counts;
  readonly counted: Counts;
  /** The holder's step, -1 before the first, and its share of new connections. */
  readonly step: number;
  readonly share: number;
  /** The site is too quiet to be proved before the move: our own request stood in. */
  readonly provisional: boolean;
  readonly tagged: boolean;
  readonly reason: string;
}

export const noCounts: Counts = { requests: 0, errors: 0, span: millis(0) };

/** What the swap came to, also while its traces are still going away. */
export function outcomeOf(handover: Handover): Outcome | undefined {
  const since = "since" in handover ? handover.since : undefined;
  if (handover.kind === "none") return handover.last;
  if (since === undefined || handover.kind === "wanting") return undefined;
  const { id, phase, reason } = handover;
  if (handover.kind === "receiving" && phase === "resetting")
    return { id, result: "done", reason, at: since };
  if (phase === "recalling" || phase === "resetting" || phase === "receding")
    return { id, result: "rolled-back", reason, at: since };
  return phase === "lingering" ? { id, result: "done", reason, at: since } : undefined;
}

/** A new swap may begin. */
export const isOver = (handover: Handover): boolean =>
  handover.kind === "none" || outcomeOf(handover) !== undefined;

/** A share, or a preview, that goes neither on nor back by itself before its time. */
export const isHeld = (handover: Handover): boolean =>
  handover.kind === "giving" &&
  handover.phase === "diverting" &&
  handover.way.kind === "drain" &&
  handover.way.hold !== undefined;
