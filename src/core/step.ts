import { dutiesDue, performDuties } from "./duties.ts";
import type { Effect, Turn } from "./effect.ts";
import type { Event } from "./event.ts";
import { handoverDue, learnHandover, nextPhase } from "./handover.ts";
import { claimBegins, claimTime, deafDelay, goneAfter, leaseOver } from "./judge.ts";
import { learn, learnAbility, learnLateness } from "./learn.ts";
import { leadsTo } from "./moves.ts";
import type { Phase } from "./phase.ts";
import type { Policy } from "./policy.ts";
import { journalEntry } from "./publish.ts";
import type { Role, State } from "./state.ts";
import { after, earliest, type Instant, never, times } from "./time.ts";
import { nextMove } from "./transitions.ts";

/** More moves than this at one instant would be two rules that undo each other. */
const movesMax = 12;

/**
 * One turn: told what happened and the time, answers with the state that follows and the acts that it
 * asks for. Facts are learnt first; then the rules of `transitions.ts` and `handover.ts` are applied
 * until none has anything to say; then duties that are due are done, and the next alarm is found.
 */
export function step(state: State, event: Event, now: Instant, policy: Policy): Turn<State> {
  const late = now > after(state.alarm, lateness(policy));
  const effects: Effect[] = [];
  const known = late ? learnLateness(state, now) : state;
  const learnt = learnAbility(known, learn(known, event, now, policy), now, policy);
  const told = follow(learnt, learnHandover(learnt, event, now, policy), effects);
  const settled = settle(told, now, policy, effects);
  const done = performDuties(settled, now, policy);
  effects.push(...done.effects);
  const entry = journalEntry(done.state);
  if (!sameEntry(entry, journalEntry(state))) effects.push({ kind: "journal", entry });
  return { state: { ...done.state, alarm: alarm(done.state, now, policy) }, effects };
}

const lateness = (policy: Policy) => times(policy.confirmTime, 0.25);

function settle(state: State, now: Instant, policy: Policy, effects: Effect[]): State {
  let current = state;
  for (let moves = 0; moves < movesMax; moves += 1) {
    const move = nextMove(current, now, policy);
    if (move !== undefined) {
      assertLeadsTo(current.role, move.role);
      const epoch = "epoch" in move.role ? Math.max(current.epoch, move.role.epoch) : current.epoch;
      if (move.why !== "") effects.push({ kind: "tell", level: move.level, sentence: move.why });
      const failedAt = move.failed === true ? now : current.self.failedAt;
      current = { ...current, role: move.role, epoch, self: { ...current.self, failedAt } };
      continue;
    }
    const phase = nextPhase(current, now, policy);
    if (phase === undefined) return current;
    current = follow(current, phase, effects);
  }
  throw new Error(`Two rules undo each other in the role ${current.role.kind}`);
}

/** A programmer's mistake: it crashes, and systemd and the kernel's lease make that safe. */
function assertLeadsTo(from: Role, to: Role): void {
  if (!leadsTo[from.kind].includes(to.kind))
    throw new Error(`The role ${from.kind} does not lead to ${to.kind}`);
}

function follow(state: State, phase: Phase | undefined, effects: Effect[]): State {
  if (phase === undefined) return state;
  effects.push(...phase.effects);
  if (phase.why !== "") effects.push({ kind: "tell", level: "info", sentence: phase.why });
  // Taking part in a swap is an operator's wish, and ends an earlier release.
  const accepted = state.handover.kind !== "receiving" && phase.handover.kind === "receiving";
  const orders = accepted ? { ...state.orders, released: false } : state.orders;
  return { ...state, handover: phase.handover, orders };
}

const sameEntry = (one: ReturnType<typeof journalEntry>, other: typeof one): boolean =>
  one.epoch === other.epoch &&
  one.blind === other.blind &&
  one.holding === other.holding &&
  one.released === other.released &&
  one.freeze.stamp === other.freeze.stamp &&
  one.swap?.id === other.swap?.id &&
  one.swap?.stage === other.swap?.stage;

/**
 * The next instant that must not wait for the next beat, which wakes `step` as well. What has passed has
 * been dealt with.
 */
function alarm(state: State, now: Instant, policy: Policy): Instant {
  const due = [
    ...dutiesDue(state, now, policy),
    ...rolesDue(state, policy),
    ...handoverDue(state, policy),
  ];
  return earliest(...due.filter((at) => at > now));
}

function rolesDue(state: State, policy: Policy): readonly Instant[] {
  const { role, peer, witness } = state;
  const heardAt = peer.kind === "heard" ? peer.at : never;
  const claimedAt = peer.kind === "heard" ? peer.claimingSince : undefined;
  switch (role.kind) {
    case "boot":
      return [after(role.aliveSince ?? never, times(policy.bootTime, policy.first ? 1 : 2))];
    case "standby":
      return [after(heardAt, policy.deadTime)];
    case "inquire":
      return [
        claimBegins(role, state, policy),
        after(role.claimingSince ?? never, claimTime(policy)),
        after(role.since, policy.confirmTime),
        leaseOver(role, state),
      ];
    case "take":
      return [after(role.since, policy.lease)];
    case "hold":
      return [
        after(role.renewedAt, times(policy.lease, 0.5)),
        after(role.renewedAt, policy.lease),
        after(heardAt, goneAfter(policy)),
        after(witness.seenAt ?? never, policy.confirmTime),
        after(claimedAt ?? never, deafDelay(policy)),
      ];
    case "yield":
      return [];
  }
}
