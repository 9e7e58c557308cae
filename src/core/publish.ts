import type { Beat, PublicRole } from "./beat.ts";
import type { JournalEntry, SwapMark } from "./effect.ts";
import { able, freshPeer, serviceHealth, witnessSeen } from "./judge.ts";
import type { Policy } from "./policy.ts";
import type { State } from "./state.ts";
import type { Giving, Receiving } from "./swap.ts";
import { after, type Instant, type Millis, millis, plus } from "./time.ts";
import { handoverWord } from "./words.ts";

/** What the rest of the program needs to know of a state, each a pure function of it. */

export function publicRole(state: State): PublicRole {
  switch (state.role.kind) {
    case "boot":
    case "standby":
      return state.role.kind;
    case "inquire":
      return state.role.claimingSince === undefined ? "asking" : "claiming";
    case "take":
      return "taking";
    case "hold":
      return "holding";
    case "yield":
      return "yielding";
  }
}

export function beat(state: State, now: Instant, policy: Policy): Beat {
  const { role, self, orders } = state;
  const said = publicRole(state);
  const peer = freshPeer(state, now, policy);
  return {
    node: policy.node,
    role: said,
    epoch: "epoch" in role ? role.epoch : said === "claiming" ? state.epoch + 1 : state.epoch,
    blind: "blind" in role ? role.blind : state.peer.kind === "unheard",
    first: policy.first,
    present: self.presence !== "none",
    able: able(state, now, policy),
    released: orders.released || orders.leaving,
    restarting: orders.restarting,
    diverts: self.diverts,
    freeze: orders.freeze,
    service: serviceHealth(state, now),
    network: {
      carrier: self.carrier !== "none",
      peer:
        peer?.paths.some((at, path) => fresh(at, now, policy) && policy.paths[path]?.service) ??
        false,
      witness: witnessSeen(state, now),
    },
    lease: policy.lease,
    interval: policy.interval,
    deadTime: policy.deadTime,
    mac: self.mac,
    configuration: policy.configuration,
    handover: handoverWord(state),
  };
}

const fresh = (at: Instant | undefined, now: Instant, policy: Policy): boolean =>
  at !== undefined && now < after(at, policy.deadTime);

/** What the other side waits for, while clients wait for both. */
const hasty: readonly (Giving | Receiving)["phase"][] = [
  "closing",
  "release",
  "telling",
  "turning",
  "moving",
  "placed",
];

/** In cut mode the holder acts at once on *ready*; in drain mode it may wait, or hold a share, for long. */
const readyTime = millis(500);

function hurries({ handover, peer }: State, now: Instant): boolean {
  if (handover.kind === "none" || handover.kind === "wanting") return false;
  if (handover.phase === "ready") return now < after(handover.since, readyTime);
  // What this machine has heard of the list is told by its beats.
  if (handover.phase === "proved")
    return peer.kind === "heard" && peer.beat.handover.phase === "telling";
  return hasty.includes(handover.phase);
}

/** The longest wait between two beats: `interval` at rest, a few ms while something is moving. */
export function pace(state: State, now: Instant, policy: Policy): Millis {
  const { role } = state;
  const moving =
    role.kind === "take" ||
    role.kind === "yield" ||
    hurries(state, now) ||
    calling(state, now, policy);
  return moving ? millis(Math.min(5, policy.interval)) : policy.interval;
}

/**
 * A machine that was paused whole speaks again when it resumes, until it hears one beat: let it be
 * soon.
 */
function calling(state: State, now: Instant, policy: Policy): boolean {
  const { role, peer } = state;
  if (role.kind !== "hold" || peer.kind === "unheard" || peer.at >= role.since) return false;
  return now < after(role.since, plus(policy.lease, millis(2000)));
}

export function journalEntry(state: State): JournalEntry {
  const { role, handover, orders } = state;
  // What was given may have been taken: an agent that restarts then has to ask.
  const given = handover.kind === "giving" && handover.phase === "moving";
  const holding = role.kind === "hold" && !given;
  return {
    epoch: role.kind === "hold" ? role.epoch : state.epoch,
    blind: role.kind === "hold" && role.blind,
    holding,
    released: orders.released,
    freeze: orders.freeze,
    swap: swapMark(state),
  };
}

function swapMark({ handover, self }: State): SwapMark | undefined {
  if (handover.kind === "none" || handover.kind === "wanting") return undefined;
  // On the disk before anything is handed over: a disk takes longer than the first clients.
  const early = handover.phase === "ready" && self.diverts;
  const resets = handover.kind === "receiving" && handover.phase === "resetting";
  const stage = early ? "serving" : resets ? "keeping" : stages[handover.phase];
  return stage === undefined ? undefined : { id: handover.id, stage, to: handover.to };
}

const stages: Partial<Record<(Giving | Receiving)["phase"], SwapMark["stage"]>> = {
  diverting: "diverted",
  listing: "diverted",
  telling: "diverted",
  turning: "diverted",
  recalling: "recalling",
  resetting: "recalling",
  moving: "draining",
  draining: "draining",
  lingering: "draining",
  serving: "serving",
  proved: "serving",
  placed: "serving",
  receding: "receding",
  keeping: "keeping",
  verifying: "verifying",
};
