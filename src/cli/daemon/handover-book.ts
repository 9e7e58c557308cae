import type { HandoverPhase } from "../../core/beat.ts";
import { handoverWord } from "../../core/handover.ts";
import { freshPeer } from "../../core/judge.ts";
import type { Policy } from "../../core/policy.ts";
import type { Counts, State } from "../../core/state.ts";
import { elapsed, type Instant } from "../../core/time.ts";
import type { HandoverEnd, HandoverStatus, TrafficCounts } from "../status.ts";

/** The order in which the two sides come along; whoever is further tells how far the swap is. */
const order: readonly HandoverPhase[] = [
  "wanted",
  "measuring",
  "prepare",
  "rehearsing",
  "ready",
  "released",
  "verifying",
  "returning",
];

interface Remembered {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly began: Instant;
  readonly phase: HandoverPhase;
  readonly phaseBegan: Instant;
  readonly baseline: TrafficCounts | null;
  readonly served: TrafficCounts | null;
}

/** The swap that is going on as both sides tell it, and the last one that ended. */
export class HandoverBook {
  readonly #policy: Policy;
  #swap: Remembered | undefined;

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  /** Whether anything changed that is worth showing. */
  note(state: State, now: Instant): boolean {
    const { handover } = state;
    if (handover.kind === "none") return this.#noteEnd(state, now);
    const before = this.#swap?.id === handover.id ? this.#swap : undefined;
    const word = handoverWord(state);
    const said = freshPeer(state, now, this.#policy)?.beat.handover;
    const peerWord = said?.id === handover.id ? said : undefined;
    const phase = further(word.phase, peerWord?.phase);
    const giving = handover.kind === "giving";
    const { node, peer } = this.#policy;
    const theirs = peerWord === undefined ? null : counted(peerWord);
    const baseline = giving ? counted(handover.baseline) : ours(handover);
    const served = handover.kind === "receiving" ? counted(handover.counted) : theirs;
    const later = order.indexOf(phase) >= order.indexOf("verifying");
    this.#swap = {
      id: handover.id,
      from: giving ? node : peer,
      to: giving ? peer : node,
      began: before?.began ?? now,
      phase,
      phaseBegan: before?.phase === phase ? before.phaseBegan : now,
      baseline: baseline ?? before?.baseline ?? null,
      served: later ? (served ?? before?.served ?? null) : null,
    };
    return !same(before, this.#swap);
  }

  current(state: State, now: Instant): HandoverStatus | null {
    const swap = this.#swap;
    if (state.handover.kind === "none" || swap?.id !== state.handover.id) return null;
    const { id, from, to, phase, baseline, served } = swap;
    return {
      id,
      from,
      to,
      phase,
      baseline,
      served,
      age: elapsed(swap.began, now),
      phaseAge: elapsed(swap.phaseBegan, now),
      reason: state.handover.kind === "receiving" ? state.handover.reason : "",
    };
  }

  last(state: State, now: Instant): HandoverEnd | null {
    const last = state.handover.kind === "none" ? state.handover.last : undefined;
    if (last === undefined) return null;
    const { node, peer } = this.#policy;
    const swap = this.#swap?.id === last.id ? this.#swap : undefined;
    return {
      id: last.id,
      from: swap?.from ?? node,
      to: swap?.to ?? peer,
      outcome: last.result,
      reason: last.reason,
      served: swap?.served ?? null,
      age: elapsed(last.at, now),
    };
  }

  #endSeen = "";

  #noteEnd(state: State, now: Instant): boolean {
    const last = this.last(state, now);
    const end = last === null ? "" : `${last.id} ${last.outcome}`;
    const news = end !== this.#endSeen;
    this.#endSeen = end;
    return news;
  }
}

const further = (one: HandoverPhase, other: HandoverPhase | undefined): HandoverPhase =>
  other !== undefined && order.indexOf(other) > order.indexOf(one) ? other : one;

const counted = ({ requests, errors, span }: Counts): TrafficCounts | null =>
  span === 0 ? null : { requests, errors, span };

const ours = (handover: State["handover"]): TrafficCounts | null =>
  handover.kind === "receiving" ? counted(handover.baseline) : null;

const same = (one: Remembered | undefined, other: Remembered): boolean =>
  one !== undefined &&
  one.phase === other.phase &&
  one.served?.requests === other.served?.requests &&
  one.served?.errors === other.served?.errors &&
  one.baseline?.requests === other.baseline?.requests;
