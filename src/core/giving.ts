import type { HandoverWord } from "./beat.ts";
import { freshPeer, frozen, type HeardPeer, speaks } from "./judge.ts";
import { ended, type Phase, patience, phase, wordOf } from "./phase.ts";
import type { Policy } from "./policy.ts";
import { type Giving, noCounts, type State } from "./state.ts";
import { after, type Instant, millis, plus } from "./time.ts";

/*
 * The holder's side of a planned swap: measuring ─▶ prepare ─▶ closing ─▶ release ─▶ released ─▶ watching.
 */

const taggedEvery = millis(2000);

/** For requests that are open when the door closes; idle keep-alive connections never end by themselves. */
export const closingTime = millis(25);

/** The door is closed and quiet, or was given its time: now the address goes. */
export const release = (giving: Giving, now: Instant): Phase =>
  phase({ ...giving, phase: "release", since: now });

/** The holder begins: what can be known at once is asked first, so that nothing moves in vain. */
export function begin(state: State, id: string, now: Instant, policy: Policy): Phase {
  const refuse = (reason: string) => ended({ id }, "refused", reason, now);
  const peer = freshPeer(state, now, policy);
  if (peer === undefined) return refuse(`${policy.peer} is not heard`);
  if (peer.hearsUs === undefined) return refuse(`${policy.peer} does not hear ${policy.node}`);
  if (peer.beat.configuration !== policy.configuration)
    return refuse(`${policy.peer} runs with a different configuration`);
  if (frozen(state)) return refuse("the pair is frozen: thaw it first");
  if (!peer.beat.able && !peer.beat.released)
    return refuse(`${policy.peer} says that it cannot take over`);
  const giving: Giving = {
    kind: "giving",
    id,
    since: now,
    phase: "measuring",
    baseline: noCounts,
    taggedAt: undefined,
  };
  return {
    handover: giving,
    effects: [{ kind: "measure-baseline", id }],
    why: `Swap ${id}: measuring what is served here before ${policy.peer} takes over`,
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
    case "prepare": {
      if (word?.phase === "refused") return ended(giving, "refused", word.reason, now);
      if (peer === undefined) return ended(giving, "refused", `${policy.peer} fell silent`, now);
      if (!holds) return ended(giving, "refused", `${policy.node} lost the address meanwhile`, now);
      if (giving.phase === "prepare" && word?.phase === "ready")
        return phase(
          { ...giving, phase: "closing", since: now },
          `Swap ${giving.id}: ${policy.peer} is ready`,
        );
      return now >= after(giving.since, patience[giving.phase])
        ? ended(giving, "refused", slowReason(giving, policy), now)
        : undefined;
    }
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
  }
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
