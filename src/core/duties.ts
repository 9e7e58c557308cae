import type { Effect } from "./effect.ts";
import {
  freshPeer,
  leaseOver,
  longMissing,
  missedBeat,
  missing,
  rivalFresh,
  speaks,
} from "./judge.ts";
import type { Policy } from "./policy.ts";
import type { Hold, Inquire, State } from "./state.ts";
import type { Giving } from "./swap.ts";
import { after, type Instant, latest, type Millis, millis, times } from "./time.ts";

/*
 * What a role does again and again while it lasts. Each duty has one instant from which it is due;
 * `duties` performs those that are, `dueAt` tells the alarm of the next one.
 */

/**
 * 1.1 s is above Linux's neighbour `locktime` of 1 s; 5 s outlasts a port that is still opening.
 */
const announceOffsets = [millis(0), millis(1100), millis(5000)] as const;
/** One lost burst must not matter for ever: some bonds and switch ports open late. */
const announceEvery = millis(30_000);
const restingProbeEvery = millis(10_000);
const restingWitnessEvery = millis(1000);
/** The taker looks for a machine that speaks after all. */
const takerProbes = { span: millis(1000), every: millis(100) } as const;

interface Duty {
  readonly due: Instant;
  readonly perform: (state: State, now: Instant) => State;
  readonly effect: Effect;
}

export interface Performed {
  readonly state: State;
  readonly effects: readonly Effect[];
}

export function performDuties(state: State, now: Instant, policy: Policy): Performed {
  const due = dutiesOf(state, now, policy).filter((duty) => duty.due <= now);
  return {
    state: due.reduce((done, duty) => duty.perform(done, now), state),
    effects: due.map((duty) => duty.effect),
  };
}

export const dutiesDue = (state: State, now: Instant, policy: Policy): readonly Instant[] =>
  dutiesOf(state, now, policy).map((duty) => duty.due);

function dutiesOf(state: State, now: Instant, policy: Policy): readonly Duty[] {
  const { role } = state;
  const asked = policy.witness ? [askWitness(state, now, policy)] : [];
  switch (role.kind) {
    case "inquire":
      return [...asked, ask(role, state, now, policy), probeAsking(role, state, now, policy)];
    case "hold":
      return [
        ...asked,
        ...probeTaken(state, role),
        ...renew(state, role, policy),
        announce(role),
        ...askPeerKernel(state, now, policy),
      ];
    case "standby":
      return [...asked, ...probeResting(state, now, policy)];
    case "take":
      return [...asked, probed(state, dueAfter(state.neighbours.probedAt, takerProbes.every, now))];
    case "boot":
    case "yield":
      return asked;
  }
}

const dueAfter = (at: Instant | undefined, wait: Millis, now: Instant): Instant =>
  at === undefined ? now : after(at, wait);

/**
 * Nothing is gained by asking fast while a lease has to run out, after two seconds of waiting for a
 * witness, or of a kernel that goes on answering: until it misses a beat of that.
 */
function relaxed(role: Inquire, state: State, now: Instant, policy: Policy): boolean {
  const answering = role.answered && now < after(role.asking, times(policy.confirmTime, 0.6));
  return now < leaseOver(role, state) || answering || now >= after(role.asking, millis(2000));
}

/** A claim is told more often: a holder that hears none of it in time would not let go first. */
function ask(role: Inquire, state: State, now: Instant, policy: Policy): Duty {
  const often = role.claimingSince === undefined ? 4 : 16;
  const eager = millis(Math.min(5, policy.confirmTime / often));
  const every = relaxed(role, state, now, policy) ? policy.interval : eager;
  return {
    due: dueAfter(role.askedAt, every, now),
    perform: (before, at) => inInquiry(before, (inquiry) => ({ ...inquiry, askedAt: at })),
    effect: { kind: "ask" },
  };
}

/**
 * Ten probes within `confirmTime`: with 10 % loss each way a living holder misses one of five in 3
 * of 10,000 cases.
 */
function probeAsking(role: Inquire, state: State, now: Instant, policy: Policy): Duty {
  const eager = times(policy.confirmTime, 0.1);
  const every = relaxed(role, state, now, policy) ? times(policy.confirmTime, 0.5) : eager;
  return {
    due: dueAfter(role.probedAt, every, now),
    perform: (before, at) => inInquiry(before, (inquiry) => ({ ...inquiry, probedAt: at })),
    effect: probe(state),
  };
}

const probe = (state: State): Effect => ({
  kind: "probe",
  holder: state.peer.kind === "heard" ? state.peer.beat.mac : undefined,
});

/** At rest a standby learns who answers while the holder is well: gateways with proxy ARP. */
function probeResting(state: State, now: Instant, policy: Policy): readonly Duty[] {
  const holder = freshPeer(state, now, policy);
  if (holder === undefined || !speaks(holder.beat)) return [];
  return [probed(state, dueAfter(state.neighbours.probedAt, restingProbeEvery, now))];
}

/** Also for as long as somebody else is found to speak. */
function probeTaken(state: State, role: Hold): readonly Duty[] {
  const { probedAt, rival } = state.neighbours;
  const due = after(latest(role.since, probedAt ?? role.since), takerProbes.every);
  const until = latest(
    after(role.since, takerProbes.span),
    after(rival?.at ?? role.since, rivalFresh),
  );
  return due < until ? [probed(state, due)] : [];
}

const probed = (state: State, due: Instant): Duty => ({
  due,
  perform: (before, at) => ({ ...before, neighbours: { ...before.neighbours, probedAt: at } }),
  effect: probe(state),
});

/**
 * Once a second while the peer is heard on the service network. When it is not, the witness alone
 * tells whether this machine is cut off, and its word is wanted soon.
 */
function askWitness(state: State, now: Instant, policy: Policy): Duty {
  const absent = missing(state, missedBeat(policy), now, policy);
  const urgent =
    state.role.kind === "inquire"
      ? !relaxed(state.role, state, now, policy)
      : absent && !longMissing(state, now, policy);
  const eager = times(policy.confirmTime, 0.2);
  const every = urgent ? eager : absent ? policy.interval : restingWitnessEvery;
  return {
    due: dueAfter(state.witness.probedAt, every, now),
    perform: (before, at) => ({ ...before, witness: { ...before.witness, probedAt: at } }),
    effect: { kind: "probe-witness" },
  };
}

const handsOver: readonly Giving["phase"][] = [
  "diverting",
  "listing",
  "telling",
  "turning",
  "recalling",
];

/**
 * A peer whose agent is silent may have a kernel that serves what was handed to it, or that still has what
 * it keeps: that is not given up for the sake of an agent that restarts.
 */
function askPeerKernel(state: State, now: Instant, policy: Policy): readonly Duty[] {
  const { handover } = state;
  const matters =
    (handover.kind === "giving" && handsOver.includes(handover.phase)) ||
    (handover.kind === "receiving" && handover.phase === "keeping");
  if (!matters || freshPeer(state, now, policy) !== undefined) return [];
  const duty: Duty = {
    due: dueAfter(state.neighbours.peerProbedAt, times(policy.confirmTime, 0.2), now),
    perform: (before, at) => ({
      ...before,
      neighbours: { ...before.neighbours, peerProbedAt: at },
    }),
    effect: { kind: "probe-peer" },
  };
  return [duty];
}

/** Eight renewals a lease, and none of an address that is gone: a renewal would create it. */
function renew(state: State, role: Hold, policy: Policy): readonly Duty[] {
  if (state.self.presence === "none") return [];
  const duty: Duty = {
    due: after(latest(role.renewedAt, role.renewalAskedAt), times(policy.lease, 0.125)),
    perform: (before, at) => holding(before, (hold) => ({ ...hold, renewalAskedAt: at })),
    effect: { kind: "renew" },
  };
  return [duty];
}

function announce(role: Hold): Duty {
  const offset = announceOffsets[role.announced];
  return {
    due:
      offset !== undefined
        ? after(role.announcingSince, offset)
        : after(role.announcedAt ?? role.announcingSince, announceEvery),
    perform: (before, at) =>
      holding(before, (hold) => ({ ...hold, announced: hold.announced + 1, announcedAt: at })),
    effect: { kind: "announce" },
  };
}

const inInquiry = (state: State, change: (role: Inquire) => Inquire): State =>
  state.role.kind === "inquire" ? { ...state, role: change(state.role) } : state;

const holding = (state: State, change: (role: Hold) => Hold): State =>
  state.role.kind === "hold" ? { ...state, role: change(state.role) } : state;
