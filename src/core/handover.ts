import { type HandoverWord, noHandover } from "./beat.ts";
import type { Event } from "./event.ts";
import { begin, closingTime, fromGiving, reasonToStay, release } from "./giving.ts";
import { freshPeer } from "./judge.ts";
import { ended, type Phase, phase } from "./phase.ts";
import type { Policy } from "./policy.ts";
import { accepted, fromReceiving, fromWanting, resumed } from "./receiving.ts";
import type { Outcome, Receiving, State } from "./state.ts";
import { after, elapsed, type Instant, type Millis, millis } from "./time.ts";

/*
 * The phases of a planned swap in cut mode, and nothing else. Roles change in `transitions.ts`, which
 * looks at these phases; each side looks at the other's word in its beats.
 *
 *   holder   measuring ─▶ prepare ──────────▶ closing ─▶ release ─▶ released ─▶ watching ──▶ done
 *   target                silencing ─▶ rehearsing ─▶ ready ───────▶ taking ─▶ verifying ──▶ done
 *                                                  returned ◀─ returning ◀───┘   rolled back
 *
 * Until *release* everything that fails ends as refused, and nothing has moved. Afterwards the swap
 * ends as done, or as rolled back with the first holder serving again, whatever dies in the middle.
 */

/** What an event means to the swap under way. */
export function learnHandover(
  state: State,
  event: Event,
  now: Instant,
  policy: Policy,
): Phase | undefined {
  const { handover } = state;
  if (event.kind === "operator-asked" && event.order.kind === "promote")
    return promoted(state, event.order.node, event.order.id, now, policy);
  if (event.kind === "adopted" && event.handover !== undefined) return resumed(event.handover, now);
  if (
    handover.kind === "giving" &&
    event.kind === "baseline-measured" &&
    event.id === handover.id
  ) {
    const { result } = event;
    if (result.kind === "unproved") return ended(handover, "refused", result.reason, now);
    const { requests, errors, span } = result;
    return phase({
      ...handover,
      phase: "prepare",
      since: now,
      baseline: { requests, errors, span },
    });
  }
  if (handover.kind === "giving" && event.kind === "door-observed" && event.quiet)
    return handover.phase === "closing" && reasonToStay(state, handover, now, policy) === undefined
      ? release(handover, now)
      : undefined;
  if (handover.kind !== "receiving") return undefined;
  if (event.kind === "rehearsed" && event.id === handover.id && handover.phase === "rehearsing") {
    return event.result.kind === "ready"
      ? phase({ ...handover, phase: "ready", since: now })
      : ended(handover, "refused", event.result.reason, now);
  }
  if (event.kind === "traffic-counted" && event.id === handover.id) {
    const { requests, errors } = event;
    const counted = { requests, errors, span: millis(Math.round(elapsed(handover.since, now))) };
    return phase({ ...handover, counted, tagged: handover.tagged || event.tagged });
  }
  return undefined;
}

/** The next phase that the facts allow, or undefined. */
export function nextPhase(state: State, now: Instant, policy: Policy): Phase | undefined {
  const { handover } = state;
  switch (handover.kind) {
    case "none":
      return called(state, handover.last, now, policy);
    case "wanting":
      return fromWanting(state, handover, now, policy);
    case "giving":
      return fromGiving(state, handover, now, policy);
    case "receiving":
      return fromReceiving(state, handover, now, policy);
  }
}

function promoted(state: State, node: string, id: string, now: Instant, policy: Policy): Phase {
  const { handover, role } = state;
  const refuse = (reason: string) => ended({ id }, "refused", reason, now);
  if (handover.kind !== "none")
    return phase(handover, `promote ${node}: swap ${handover.id} is already under way`);
  if (node === policy.node) {
    if (role.kind === "hold")
      return ended({ id }, "done", `${node} holds the address already`, now);
    return phase({ kind: "wanting", id, since: now }, `Swap ${id}: ${node} is asked to take over`);
  }
  if (role.kind !== "hold") return refuse(`${policy.node} does not hold the address`);
  return begin(state, id, now, policy);
}

/** The other side's word calls this machine into a swap that it does not take part in yet. */
function called(state: State, last: Outcome | undefined, now: Instant, policy: Policy) {
  const peer = freshPeer(state, now, policy);
  const word = peer?.beat.handover;
  if (word === undefined || word.id === last?.id) return undefined;
  if (word.phase === "wanted" && state.role.kind === "hold")
    return begin(state, word.id, now, policy);
  return word.phase === "prepare" ? accepted(state, word, now, policy) : undefined;
}

/** What this side says of the swap in its beats. */
export function handoverWord(state: State): HandoverWord {
  const { handover } = state;
  switch (handover.kind) {
    case "none": {
      const { last } = handover;
      return last === undefined
        ? noHandover
        : { ...noHandover, id: last.id, phase: last.result, reason: last.reason };
    }
    case "wanting":
      return { ...noHandover, id: handover.id, phase: "wanted" };
    case "giving": {
      const { id, baseline } = handover;
      const moved = handover.phase === "watching" || handover.phase === "released";
      const said = moved ? "released" : handover.phase === "measuring" ? "measuring" : "prepare";
      return { id, phase: said, reason: "", ...baseline };
    }
    case "receiving":
      return {
        id: handover.id,
        phase: receivingWord(handover),
        reason: handover.reason,
        ...handover.counted,
      };
  }
}

/**
 * Law 6, goodbye follows removal: "returning" is said only once the address was observed absent.
 */
function receivingWord(receiving: Receiving): HandoverWord["phase"] {
  switch (receiving.phase) {
    case "silencing":
    case "rehearsing":
      return "rehearsing";
    case "ready":
    case "taking":
      return "ready";
    case "verifying":
      return "verifying";
    case "returning":
      return "verifying";
    case "returned":
      return "returning";
  }
}

/** The next instants at which time alone ends a phase. */
export function handoverDue(state: State, policy: Policy): readonly Instant[] {
  const { handover } = state;
  const at = (wait: Millis) => after(handover.kind === "none" ? state.alarm : handover.since, wait);
  switch (handover.kind) {
    case "none":
    case "wanting":
      return [];
    case "giving":
      if (handover.phase === "closing") return [at(closingTime)];
      return handover.phase === "released" ? [at(millis(2000))] : [];
    case "receiving":
      return handover.phase === "verifying" ? [at(policy.swap.verifyTime)] : [];
  }
}
