import { type HandoverPhase, type HandoverWord, handoverPhases } from "../../core/beat.ts";
import { handoverWord } from "../../core/words.ts";
import { freshPeer } from "../../core/judge.ts";
import type { Policy } from "../../core/policy.ts";
import type { State } from "../../core/state.ts";
import { type Counts, isHeld, isOver, outcomeOf } from "../../core/swap.ts";
import { elapsed, type Instant } from "../../core/time.ts";
import type { HandoverEnd, HandoverStatus, TrafficCounts } from "../status.ts";

/** Whoever is further tells how far the swap is: the phases of both modes stand in their order. */
const rank = (phase: HandoverPhase): number => handoverPhases.indexOf(phase);

interface Remembered {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly began: Instant;
  readonly phase: HandoverPhase;
  readonly phaseBegan: Instant;
  readonly baseline: TrafficCounts | null;
  readonly served: TrafficCounts | null;
  readonly mode: HandoverStatus["mode"];
  readonly share: number;
  readonly connections: HandoverStatus["connections"];
  readonly stragglers: HandoverStatus["stragglers"];
  readonly held: boolean;
}

/** The swap that is going on as both sides tell it, and the last one that ended. */
export class HandoverBook {
  #swap: Remembered | undefined;

  /** Whether anything changed that is worth showing. */
  note(state: State, now: Instant, policy: Policy): boolean {
    const { handover } = state;
    if (isOver(handover)) return this.#noteEnd(state, now, policy);
    if (handover.kind === "none") return false;
    const before = this.#swap?.id === handover.id ? this.#swap : undefined;
    const word = handoverWord(state);
    const said = freshPeer(state, now, policy)?.beat.handover;
    const peerWord = said?.id === handover.id ? said : undefined;
    const phase = further(word.phase, peerWord?.phase);
    const giving = handover.kind === "giving";
    const { node, peer } = policy;
    const [holders, targets] = giving ? [word, peerWord] : [peerWord, word];
    const later = rank(phase) >= rank("serving");
    const served = later && targets !== undefined ? counted(targets) : null;
    this.#swap = {
      id: handover.id,
      from: giving ? node : peer,
      to: giving ? peer : node,
      began: before?.began ?? now,
      phase,
      phaseBegan: before?.phase === phase ? before.phaseBegan : now,
      baseline: baselineOf(state, holders) ?? before?.baseline ?? null,
      served: served ?? before?.served ?? null,
      mode: drains(phase) ? "drain" : (before?.mode ?? modeOf(state)),
      share: holders?.share ?? before?.share ?? 0,
      connections: {
        from: holders?.connections ?? null,
        to: targets?.connections ?? null,
      },
      held: isHeld(handover),
      stragglers: giving ? (state.self.left?.stragglers ?? null) : null,
    };
    return JSON.stringify(before) !== JSON.stringify(this.#swap);
  }

  current(state: State, now: Instant): HandoverStatus | null {
    const swap = this.#swap;
    const { handover } = state;
    if (isOver(handover) || handover.kind === "none" || swap?.id !== handover.id) return null;
    const { began, phaseBegan, ...facts } = swap;
    return {
      ...facts,
      age: elapsed(began, now),
      phaseAge: elapsed(phaseBegan, now),
      reason: handover.kind === "wanting" ? "" : handover.reason,
    };
  }

  last(state: State, now: Instant, { node, peer }: Policy): HandoverEnd | null {
    const last = outcomeOf(state.handover);
    if (last === undefined) return null;
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

  #noteEnd(state: State, now: Instant, policy: Policy): boolean {
    const last = this.last(state, now, policy);
    const end = last === null ? "" : `${last.id} ${last.outcome}`;
    const news = end !== this.#endSeen;
    this.#endSeen = end;
    return news;
  }
}

const further = (one: HandoverPhase, other: HandoverPhase | undefined): HandoverPhase =>
  other !== undefined && rank(other) > rank(one) && rank(other) < rank("done") ? other : one;

/** Phases that only a swap in drain mode has. */
const drains = (phase: HandoverPhase): boolean =>
  rank(phase) >= rank("diverting") && rank(phase) <= rank("draining");

const modeOf = ({ handover }: State): HandoverStatus["mode"] =>
  handover.kind === "giving" ? handover.way.kind : "cut";

const counted = ({ requests, errors, span }: Counts): TrafficCounts | null =>
  span === 0 ? null : { requests, errors, span };

/** The holder measured it; the target goes on with it, also when the holder has died. */
function baselineOf({ handover }: State, holders: HandoverWord | undefined): TrafficCounts | null {
  if (handover.kind === "receiving") return counted(handover.baseline);
  return holders === undefined ? null : counted(holders);
}
