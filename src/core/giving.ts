import type { HandoverWord } from "./beat.ts";
import { fromDrain } from "./draining.ts";
import type { PromoteOrder } from "./event.ts";
import { freshPeer, frozen, type HeardPeer, speaks } from "./judge.ts";
import { ended, type Phase, patience, phase, wordOf } from "./phase.ts";
import type { Policy } from "./policy.ts";
import type { State } from "./state.ts";
import { type Drain, type Giving, noCounts, type Way } from "./swap.ts";
import { after, type Instant, millis, plus } from "./time.ts";

/*
 * The holder's side of a planned swap, until the ways part, and the way of cut mode:
 *
 *   measuring ─▶ prepare ─┬─▶ closing ─▶ release ─▶ released ─▶ watching
 *                         └─▶ diverting …  (draining.ts)
 */

const taggedEvery = millis(2000);

/** For requests that are open when the door closes; idle keep-alive connections never end by themselves. */
export const closingTime = millis(25);

/** The door is closed and quiet, or was given its time: now the address goes. */
export const release = (giving: Giving, now: Instant): Phase =>
  phase({ ...giving, phase: "release", since: now });

/** What the operator asked for beside the target. */
export type Asked = Omit<PromoteOrder, "kind" | "node" | "id"> & {
  readonly testers: readonly string[];
};

export const asConfigured: Asked = {
  cut: false,
  hold: undefined,
  drainTime: undefined,
  testers: [],
};

/** The holder begins: what can be known at once is asked first, so that nothing moves in vain. */
export function begin(state: State, id: string, asked: Asked, now: Instant, policy: Policy): Phase {
  const refuse = (reason: string) => ended({ id }, "refused", reason, now);
  const peer = freshPeer(state, now, policy);
  if (peer === undefined) return refuse(`${policy.peer} is not heard`);
  if (peer.hearsUs === undefined) return refuse(`${policy.peer} does not hear ${policy.node}`);
  if (peer.beat.configuration !== policy.configuration)
    return refuse(`${policy.peer} runs with a different configuration`);
  if (frozen(state)) return refuse("the pair is frozen: thaw it first");
  if (!peer.beat.able && !peer.beat.released)
    return refuse(`${policy.peer} says that it cannot take over`);
  const obstacle = obstacleToDraining(state, peer, policy);
  const cut = asked.cut || policy.swap.mode === "cut" || obstacle !== undefined;
  if (cut && (asked.hold !== undefined || asked.testers.length > 0))
    return refuse(`connections cannot be handed over: ${obstacle ?? "the swap mode is cut"}`);
  const giving: Giving = {
    kind: "giving",
    id,
    since: now,
    way: cut ? { kind: "cut" } : drainAs(asked, policy),
    phase: "measuring",
    to: peer.beat.mac,
    baseline: noCounts,
    taggedAt: undefined,
    reason: "",
  };
  const fallback = cut && !asked.cut && obstacle !== undefined ? `, in cut mode: ${obstacle}` : "";
  return {
    handover: giving,
    effects: [{ kind: "measure-baseline", id }],
    why: `Swap ${id}: measuring what is served here before ${policy.peer} takes over${fallback}`,
  };
}

function obstacleToDraining(state: State, peer: HeardPeer, policy: Policy): string | undefined {
  if (!state.self.diverts) return `the kernel of ${policy.node} cannot pass connections on`;
  return peer.beat.diverts
    ? undefined
    : `the kernel of ${policy.peer} cannot pass connections back`;
}

export function drainAs({ hold, drainTime, testers }: Asked, { swap }: Policy): Way & Drain {
  return {
    kind: "drain",
    steps: testers.length > 0 ? [0] : hold === undefined ? swap.steps : [hold.share],
    step: 0,
    testers,
    hold: hold?.span,
    drainTime: drainTime ?? swap.drainTime,
  };
}

export function fromGiving(
  state: State,
  giving: Giving,
  now: Instant,
  policy: Policy,
): Phase | undefined {
  const word = wordOf(state, giving.id, now, policy);
  const peer = freshPeer(state, now, policy);
  const holds = state.role.kind === "hold";
  switch (giving.phase) {
    case "measuring":
    case "prepare":
      return fromPreparing(state, giving, now, policy);
    case "closing": {
      const stays = reasonToStay(state, giving, now, policy);
      if (stays !== undefined) return ended(giving, "refused", stays, now);
      return now >= after(giving.since, closingTime) ? release(giving, now) : undefined;
    }
    case "release":
    case "released":
      if (holds && state.role.since > giving.since)
        return ended(giving, "rolled-back", returnReason(word, policy), now);
      if (giving.phase === "release")
        return holds || state.role.kind === "yield"
          ? undefined
          : phase({ ...giving, phase: "released", since: now });
      return peer !== undefined && speaks(peer.beat) && state.role.kind === "standby"
        ? phase(
            { ...giving, phase: "watching", since: now },
            `Swap ${giving.id}: ${policy.peer} has the address`,
          )
        : undefined;
    case "watching":
      return fromWatching(state, giving, word, peer, now, policy);
    default:
      return giving.way.kind === "drain"
        ? fromDrain(state, { ...giving, way: giving.way }, giving.phase, now, policy)
        : undefined;
  }
}

function fromPreparing(
  state: State,
  giving: Giving,
  now: Instant,
  policy: Policy,
): Phase | undefined {
  const refused = reasonToRefuse(state, giving, now, policy);
  if (refused !== undefined) return ended(giving, "refused", refused, now);
  const ready = wordOf(state, giving.id, now, policy)?.phase === "ready";
  if (giving.phase === "prepare" && ready && warm(state, giving, now, policy)) {
    const next = giving.way.kind === "cut" ? "closing" : "diverting";
    const why = `Swap ${giving.id}: ${policy.peer} is ready`;
    return phase({ ...giving, phase: next, since: now }, why);
  }
  const limit = giving.phase === "measuring" ? patience.measuring : patience.prepare;
  return now >= after(giving.since, limit)
    ? ended(giving, "refused", slowReason(giving, policy), now)
    : undefined;
}

/**
 * The rules that remember who came are there for longer than a lost answer to a first packet is repeated:
 * whoever was about to connect is known by then, and stays.
 */
function warm({ self }: State, { way }: Giving, now: Instant, { swap }: Policy): boolean {
  if (way.kind === "cut") return true;
  return self.diversion.kind === "share" && now >= after(self.diversionAt, swap.warmTime);
}

/** Before anything was asked of the target's kernel. */
function reasonToRefuse(state: State, { id }: Giving, now: Instant, policy: Policy) {
  const word = wordOf(state, id, now, policy);
  if (word?.phase === "refused") return word.reason;
  // It took meanwhile because this machine fell silent, and lost the address again.
  if (word?.phase === "done" || word?.phase === "rolled-back")
    return `${policy.peer} has ended the swap`;
  if (freshPeer(state, now, policy) === undefined) return `${policy.peer} fell silent`;
  return state.role.kind === "hold" ? undefined : `${policy.node} lost the address meanwhile`;
}

/** The last moment at which nothing has moved. */
export function reasonToStay(state: State, { id }: Giving, now: Instant, policy: Policy) {
  const word = wordOf(state, id, now, policy);
  if (state.role.kind !== "hold") return `${policy.node} lost the address meanwhile`;
  if (frozen(state)) return "the pair was frozen";
  if (word?.phase === "ready") return undefined;
  return word !== undefined && word.reason !== ""
    ? word.reason
    : `${policy.peer} is no longer ready`;
}

function fromWatching(
  state: State,
  giving: Giving,
  word: HandoverWord | undefined,
  peer: HeardPeer | undefined,
  now: Instant,
  policy: Policy,
): Phase | undefined {
  if (state.role.kind === "hold")
    return ended(giving, "rolled-back", returnReason(word, policy), now);
  if (peer !== undefined && speaks(peer.beat) && word === undefined)
    return ended(
      giving,
      "done",
      `${policy.peer} holds the address and has forgotten the swap`,
      now,
    );
  if (word?.phase === "done" || word?.phase === "rolled-back")
    return ended(giving, word.phase, word.reason, now);
  if (peer !== undefined && speaks(peer.beat) && word?.phase === "refused")
    return ended(giving, "done", `${policy.peer} holds the address, but ${word.reason}`, now);
  const limit = plus(policy.swap.verifyTime, patience.watching);
  if (peer !== undefined && speaks(peer.beat) && now >= after(giving.since, limit))
    return ended(
      giving,
      "done",
      `${policy.peer} holds the address, but never said that it was proved`,
      now,
    );
  const tagDue = giving.taggedAt === undefined || now >= after(giving.taggedAt, taggedEvery);
  return word?.phase === "verifying" && tagDue
    ? {
        handover: { ...giving, taggedAt: now },
        effects: [{ kind: "send-tagged", id: giving.id }],
        why: "",
      }
    : undefined;
}

const slowReason = (giving: Giving, policy: Policy): string =>
  giving.phase === "measuring"
    ? "the baseline could not be measured in time"
    : `${policy.peer} did not get ready in time`;

const returnReason = (word: HandoverWord | undefined, policy: Policy): string =>
  word !== undefined && word.reason !== ""
    ? word.reason
    : `${policy.peer} did not keep the address`;
