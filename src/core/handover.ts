import { recall } from "./draining.ts";
import type { Event, PromoteOrder } from "./event.ts";
import {
  asConfigured,
  begin,
  closingTime,
  drainAs,
  fromGiving,
  reasonToStay,
  release,
} from "./giving.ts";
import { freshPeer, peerKernelGoneAt } from "./judge.ts";
import { ended, type Phase, patience, phase } from "./phase.ts";
import type { Policy } from "./policy.ts";
import { accepted, fromReceiving, fromWanting } from "./receiving.ts";
import { resumed } from "./resume.ts";
import type { State } from "./state.ts";
import { type Giving, isHeld, isOver, outcomeOf, type Receiving } from "./swap.ts";
import { after, elapsed, type Instant, type Millis, millis } from "./time.ts";

/*
 * The phases of a planned swap, and nothing else. Roles change in `transitions.ts`, which looks at these
 * phases; each side looks at the other's word in its beats. In cut mode:
 *
 *   holder   measuring ─▶ prepare ──────────▶ closing ─▶ release ─▶ released ─▶ watching ──▶ done
 *   target                silencing ─▶ rehearsing ─▶ ready ───────▶ taking ─▶ verifying ──▶ done
 *                                                  returned ◀─ returning ◀───┘   rolled back
 *
 * and in drain mode, from *ready* on:
 *
 *   holder   diverting ─▶ listing ─▶ telling ─▶ turning ─▶ moving ─▶ draining ─▶ lingering ─▶ done
 *   target   serving ─▶ proved ─────────▶ placed ──────────▶ taking ─▶ keeping ──▶ done
 *   both     recalling, receding: rolled back, and what was handed over ends where it is
 *            resetting: the other machine is gone, and who waits for it is told
 *
 * Until *release*, or *diverting*, everything that fails ends as refused, and nothing has moved. Afterwards
 * the swap ends as done, or as rolled back with the first holder serving, whatever dies in the middle.
 */

/** What an event means to the swap under way. */
export function learnHandover(
  state: State,
  event: Event,
  now: Instant,
  policy: Policy,
): Phase | undefined {
  const { handover } = state;
  switch (event.kind) {
    case "operator-asked":
      return ordered(state, event.order, now, policy);
    case "adopted":
      return event.swap && resumed(event.swap, state, now, policy);
    case "resumed":
      return resumed(event.swap, state, now, policy);
    default:
  }
  if (handover.kind === "giving") return learnGiving(state, handover, event, now, policy);
  return handover.kind === "receiving" ? learnReceiving(handover, event, now) : undefined;
}

function learnGiving(state: State, giving: Giving, event: Event, now: Instant, policy: Policy) {
  if (event.kind === "baseline-measured" && event.id === giving.id) {
    if (giving.phase !== "measuring") return undefined;
    const { result } = event;
    if (result.kind === "unproved") return ended(giving, "refused", result.reason, now);
    const { requests, errors, span } = result;
    return phase({ ...giving, phase: "prepare", since: now, baseline: { requests, errors, span } });
  }
  if (event.kind === "kept-listed" && event.id === giving.id && giving.phase === "listing") {
    const why = `Swap ${giving.id}: ${staying(event.flows.length, policy.node)}`;
    return phase({ ...giving, phase: "telling", since: now }, why);
  }
  const closed = event.kind === "door-observed" && event.quiet && giving.phase === "closing";
  return closed && reasonToStay(state, giving, now, policy) === undefined
    ? release(giving, now)
    : undefined;
}

const staying = (connections: number, node: string): string =>
  connections === 1
    ? `1 connection stays on ${node} until it ends`
    : `${connections} connections stay on ${node} until they end`;

function learnReceiving(receiving: Receiving, event: Event, now: Instant): Phase | undefined {
  if (event.kind === "rehearsed" && event.id === receiving.id && receiving.phase === "rehearsing") {
    return event.result.kind === "ready"
      ? phase({ ...receiving, phase: "ready", since: now })
      : ended(receiving, "refused", event.result.reason, now);
  }
  if (event.kind === "kept-placed" && event.id === receiving.id && receiving.phase === "proved")
    return phase({ ...receiving, phase: "placed", since: now });
  if (event.kind !== "traffic-counted" || event.id !== receiving.id) return undefined;
  if (event.step !== receiving.step) return undefined;
  const { requests, errors } = event;
  const counted = { requests, errors, span: millis(Math.round(elapsed(receiving.since, now))) };
  return phase({ ...receiving, counted, tagged: receiving.tagged || event.tagged });
}

/** The next phase that the facts allow, or undefined. */
export function nextPhase(state: State, now: Instant, policy: Policy): Phase | undefined {
  const { handover } = state;
  const anew = isOver(handover) ? called(state, now, policy) : undefined;
  if (anew !== undefined) return anew;
  switch (handover.kind) {
    case "none":
      return undefined;
    case "wanting":
      return fromWanting(state, handover, now, policy);
    case "giving":
      return fromGiving(state, handover, now, policy);
    case "receiving":
      return fromReceiving(state, handover, now, policy);
  }
}

type Order = Extract<Event, { kind: "operator-asked" }>["order"];

function ordered(state: State, order: Order, now: Instant, policy: Policy): Phase | undefined {
  const { handover } = state;
  switch (order.kind) {
    case "promote":
      return promoted(state, order, now, policy);
    case "preview": {
      const { id, testers, span } = order;
      if (state.role.kind !== "hold")
        return ended({ id }, "refused", `${policy.node} does not hold the address`, now);
      if (!isOver(handover)) return phase(handover, `preview: ${underWay(handover)}`);
      return begin(state, id, { ...asConfigured, testers, hold: { share: 0, span } }, now, policy);
    }
    case "recall":
      return handover.kind === "giving" && isHeld(handover)
        ? recall(handover, "called back by an operator", now)
        : undefined;
    default:
      return undefined;
  }
}

const underWay = (handover: State["handover"]): string =>
  `swap ${"id" in handover ? handover.id : ""} is already under way`;

function promoted(state: State, order: PromoteOrder, now: Instant, policy: Policy): Phase {
  const { handover, role } = state;
  const { id, node } = order;
  const refuse = (reason: string) => ended({ id }, "refused", reason, now);
  if (handover.kind === "giving" && isHeld(handover)) {
    if (node === policy.node) return recall(handover, "called back by an operator", now);
    if (order.hold === undefined) return goneOn(handover, order, now, policy);
  }
  if (!isOver(handover)) return phase(handover, `promote ${node}: ${underWay(handover)}`);
  if (node === policy.node) {
    if (role.kind === "hold")
      return ended({ id }, "done", `${node} holds the address already`, now);
    if (order.hold !== undefined || order.drainTime !== undefined)
      return refuse(`ask ${policy.peer}, which hands over: a share and a drainTime are its matter`);
    const serving = handover.kind === "receiving";
    const wanting = { kind: "wanting", id, since: now, cut: order.cut, serving } as const;
    return phase(wanting, `Swap ${id}: ${node} is asked to take over`);
  }
  if (role.kind !== "hold") return refuse(`${policy.node} does not hold the address`);
  return begin(state, id, { ...order, testers: [] }, now, policy);
}

/** From a share that was held, on to all of it. */
function goneOn(giving: Giving, order: PromoteOrder, now: Instant, policy: Policy): Phase {
  const drain = drainAs({ ...order, testers: [] }, policy);
  const held = giving.way.kind === "drain" ? (giving.way.steps[0] ?? 0) : 0;
  const first = drain.steps.findIndex((share) => share > held);
  // Numbers of steps go on, so that a proof of the step that was held is no proof of the next.
  const steps = [held, ...drain.steps.slice(Math.max(first, 0))];
  return phase(
    { ...giving, since: now, way: { ...drain, steps, step: 1 } },
    `Swap ${giving.id}: told to go on`,
  );
}

/** The other side's word calls this machine into a swap that it does not take part in yet. */
function called(state: State, now: Instant, policy: Policy) {
  const peer = freshPeer(state, now, policy);
  const word = peer?.beat.handover;
  const known = outcomeOf(state.handover)?.id;
  if (word === undefined || word.id === known) return undefined;
  const wanted = word.phase === "wanted" || word.phase === "wanted-cut";
  if (wanted && state.role.kind === "hold")
    return begin(
      state,
      word.id,
      { ...asConfigured, cut: word.phase === "wanted-cut" },
      now,
      policy,
    );
  return word.phase === "prepare" ? accepted(state, word, now, policy) : undefined;
}

const heldUntil = ({ way, since }: Giving): readonly Instant[] =>
  way.kind === "drain" && way.hold !== undefined ? [after(since, way.hold)] : [];

/** The next instants at which time alone ends a phase. */
export function handoverDue(state: State, policy: Policy): readonly Instant[] {
  const { handover, self } = state;
  const at = (wait: Millis) => after(handover.kind === "none" ? state.alarm : handover.since, wait);
  switch (handover.kind) {
    case "none":
    case "wanting":
      return [];
    case "giving":
      switch (handover.phase) {
        case "prepare":
          return [after(self.diversionAt, policy.swap.warmTime)];
        case "closing":
          return [at(closingTime)];
        case "released":
          return [at(millis(2000))];
        case "diverting":
          return [peerKernelGoneAt(state, policy), ...heldUntil(handover)];
        case "listing":
        case "telling":
        case "turning":
          return [peerKernelGoneAt(state, policy)];
        case "moving":
          return [at(patience.taking)];
        case "recalling":
          return [peerKernelGoneAt(state, policy)];
        default:
          return [];
      }
    case "receiving":
      if (handover.phase === "keeping") return [peerKernelGoneAt(state, policy)];
      return handover.phase === "verifying" || handover.phase === "serving"
        ? [at(policy.swap.verifyTime)]
        : [];
  }
}
