import type { HandoverWord } from "./beat.ts";
import { counted } from "./counted.ts";
import { freshPeer, peerKernelGoneAt, speaks } from "./judge.ts";
import { ended, firstPacketTime, type Phase, patience, phase, wordOf } from "./phase.ts";
import type { Policy } from "./policy.ts";
import type { Left, State } from "./state.ts";
import type { Drain, DrainPhase, Giving } from "./swap.ts";
import { after, type Instant, millis, plus } from "./time.ts";

/*
 * The holder's side in drain mode. New connections go over first and are proved; then what stays is told,
 * the address moves, and what stayed ends where it began.
 *
 *   diverting ─▶ listing ─▶ telling ─▶ turning ─▶ moving ─▶ draining ─▶ lingering ─▶ done
 *       └───────────┴──────────┴──────────┴─▶ recalling ─▶ rolled back
 *
 * *Moving* is the commitment: from then on the first holder takes back only by asking who holds.
 */

type Draining = Giving & { readonly way: Drain };

/** Neighbours are told where the address is at once, after 1.1 s and after 5 s. */
const settleTime = millis(6000);
/** Counting tens of thousands of connections takes most of a second. */
const countingTime = millis(3000);

export function fromDrain(
  state: State,
  giving: Draining,
  at: DrainPhase,
  now: Instant,
  policy: Policy,
): Phase | undefined {
  switch (at) {
    case "diverting":
      return fallback(state, giving, now, policy) ?? fromDiverting(state, giving, now, policy);
    case "listing":
      return fallback(state, giving, now, policy) ?? proveAgain(state, giving, now, policy);
    case "telling":
      return (
        fallback(state, giving, now, policy) ??
        proveAgain(state, giving, now, policy) ??
        fromTelling(state, giving, now, policy)
      );
    case "turning":
      return (
        fallback(state, giving, now, policy) ??
        proveAgain(state, giving, now, policy) ??
        fromTurning(state, giving, now)
      );
    case "moving":
      return fromMoving(state, giving, now, policy);
    case "draining":
      return fromDraining(state, giving, now, policy);
    case "lingering":
      return fromLingering(state, giving, now, policy);
    case "recalling":
      return fromRecalling(state, giving, now, policy);
    case "resetting":
      return fromResetting(state, giving, now);
  }
}

/** New connections come home at once; those that were handed over end where they are. */
export const recall = (giving: Giving, reason: string, now: Instant): Phase =>
  phase(
    { ...giving, phase: "recalling", since: now, reason },
    `Swap ${giving.id}: rolled back: ${reason}`,
  );

/** What ends the swap while the address has not been given. */
function fallback(state: State, giving: Draining, now: Instant, policy: Policy): Phase | undefined {
  if (state.role.kind !== "hold")
    return ended(giving, "rolled-back", `${policy.node} lost the address meanwhile`, now);
  // An agent that restarts leaves a kernel that goes on serving what it was handed.
  if (freshPeer(state, now, policy) === undefined)
    return now >= peerKernelGoneAt(state, policy)
      ? reset({ ...giving, reason: `${policy.peer} is gone` }, now)
      : slow(giving, now, policy);
  const word = wordOf(state, giving.id, now, policy);
  if (word === undefined) return recall(giving, `${policy.peer} no longer takes part`, now);
  if (givesUp(word)) return recall(giving, word.reason, now);
  return slow(giving, now, policy);
}

const slow = (giving: Draining, now: Instant, policy: Policy): Phase | undefined =>
  now >= after(giving.since, patienceOf(giving, policy))
    ? recall(giving, slowness[giving.phase] ?? "the swap did not get on in time", now)
    : undefined;

const givesUp = ({ phase: said }: HandoverWord): boolean =>
  said === "refused" || said === "rolled-back";

function patienceOf({ phase: at, way }: Draining, { swap }: Policy) {
  if (at !== "diverting") return patience.telling;
  return plus(way.hold ?? swap.verifyTime, patience.watching);
}

const slowness: Partial<Record<Giving["phase"], string>> = {
  diverting: "the proof did not come in time",
  listing: "the open connections could not be listed in time",
  telling: "the open connections could not be told in time",
  turning: "the kernel did not pass everything else on in time",
};

function fromDiverting(state: State, giving: Draining, now: Instant, policy: Policy) {
  const { id, way } = giving;
  if (way.hold !== undefined)
    return now >= after(giving.since, way.hold)
      ? recall(giving, "its time is over", now)
      : undefined;
  const word = wordOf(state, id, now, policy);
  if (word?.phase !== "proved" || word.step !== way.step) return undefined;
  const next = way.steps[way.step + 1];
  if (next !== undefined)
    return phase(
      { ...giving, since: now, way: { ...way, step: way.step + 1 } },
      `Swap ${id}: ${policy.peer} serves ${percent(way.steps[way.step])} of new connections well: ${percent(next)} next`,
    );
  return {
    handover: { ...giving, phase: "listing" as const, since: now },
    effects: [{ kind: "list-kept", id } as const],
    why: `Swap ${id}: ${policy.peer} serves new connections well: listing those that stay`,
  };
}

const percent = (share: number | undefined): string =>
  `${((share ?? 0) * 100).toFixed(1).replace(/\.0$/, "")} %`;

/** The target's agent was restarted: its kernel serves on, and what it had proved it has forgotten. */
function proveAgain(state: State, giving: Draining, now: Instant, policy: Policy) {
  return wordOf(state, giving.id, now, policy)?.phase === "serving"
    ? phase({ ...giving, phase: "diverting", since: now })
    : undefined;
}

function fromTelling(state: State, giving: Draining, now: Instant, policy: Policy) {
  return wordOf(state, giving.id, now, policy)?.phase === "placed"
    ? phase({ ...giving, phase: "turning", since: now })
    : undefined;
}

function fromTurning(state: State, giving: Draining, now: Instant): Phase | undefined {
  return state.self.diversion.kind === "all-but-kept" && state.self.silent
    ? phase({ ...giving, phase: "moving", since: now })
    : undefined;
}

/**
 * Only the target's own last word undoes this: it has not taken, and will not. Its silence may mean that
 * it took.
 */
function fromMoving(state: State, giving: Draining, now: Instant, policy: Policy) {
  const { role } = state;
  if (role.kind === "hold" && role.since > giving.since)
    return recall(giving, `${policy.peer} did not take the address`, now);
  const peer = freshPeer(state, now, policy);
  if (peer === undefined) return undefined;
  const word = wordOf(state, giving.id, now, policy);
  if (role.kind === "hold" && !speaks(peer.beat) && word?.phase !== "placed") {
    const reason = word === undefined || word.reason === "" ? "it did not take" : word.reason;
    return recall(giving, `${policy.peer}: ${reason}`, now);
  }
  return role.kind === "standby" && speaks(peer.beat)
    ? {
        handover: { ...giving, phase: "draining" as const, since: now },
        effects: [{ kind: "drain-hook", id: giving.id } as const],
        why: `Swap ${giving.id}: ${policy.peer} has the address; what began here ends here`,
      }
    : undefined;
}

function fromDraining(state: State, giving: Draining, now: Instant, policy: Policy) {
  const { id, since, way } = giving;
  if (state.role.kind === "hold")
    return ended(giving, "rolled-back", `${policy.peer} did not keep the address`, now);
  const word = wordOf(state, id, now, policy);
  const { left } = state.self;
  const found = left !== undefined && left.at > since ? left : undefined;
  const empty = found?.connections === 0;
  const over = now >= after(since, way.drainTime);
  const awaited = word?.phase === "verifying";
  // The proof needs a request of ours over the network, and the address here would answer it.
  if (awaited && empty) return phase({ ...giving, phase: "watching", since: now });
  if (empty && found.stragglers === 0 && now >= after(since, settleTime))
    return ended(giving, "done", idle(policy), now);
  if (!over || (found === undefined && now < after(since, plus(way.drainTime, countingTime))))
    return undefined;
  const effects = empty ? [] : [{ kind: "cut-kept", id } as const];
  if (awaited)
    return { handover: { ...giving, phase: "watching" as const, since: now }, effects, why: "" };
  const reason = found === undefined ? uncounted(policy) : cutShort(found, policy);
  if (found === undefined || found.stragglers === 0)
    return { ...ended(giving, "done", reason, now), effects };
  const why = `Swap ${id}: done: ${reason}`;
  return {
    handover: { ...giving, phase: "lingering" as const, since: now, reason },
    effects,
    why,
  };
}

const idle = ({ node }: Policy): string =>
  `${node} is idle: 0 connections, 0 stragglers: safe to switch off`;

/** What could not be counted may be many: nothing is promised. */
const uncounted = ({ node }: Policy): string =>
  `what was left after drainTime was cut and could not be counted: look who still sends to ${node} before it is switched off`;

function cutShort({ connections, stragglers }: Left, policy: Policy): string {
  const { node } = policy;
  if (connections + stragglers === 0) return idle(policy);
  const cut =
    connections === 0 ? "" : `${counted(connections, "connection")} cut after drainTime; `;
  return stragglers === 0
    ? `${cut}${node} is safe to switch off`
    : `${cut}${node} is not safe to switch off: ${stillSending(stragglers)}`;
}

const stillSending = (stragglers: number): string =>
  stragglers === 1 ? "1 neighbour still sends to it" : `${stragglers} neighbours still send to it`;

/** Neighbours whose entry nobody can change are served until it is changed for them. */
function fromLingering(state: State, giving: Draining, now: Instant, policy: Policy) {
  const { role, self } = state;
  if (role.kind === "hold" || role.kind === "take")
    return ended(giving, "done", giving.reason, now);
  const seen = self.left !== undefined && self.left.at > after(giving.since, millis(1000));
  return seen && self.left.stragglers === 0 ? ended(giving, "done", idle(policy), now) : undefined;
}

function fromRecalling(state: State, giving: Draining, now: Instant, policy: Policy) {
  if (state.role.kind !== "hold")
    return hasMoved(state, giving, now, policy)
      ? phase(
          { ...giving, phase: "draining", since: now, reason: "" },
          movedAfterAll(giving, policy),
        )
      : rolledBack(giving, now);
  const peer = freshPeer(state, now, policy);
  if (peer === undefined)
    return now >= peerKernelGoneAt(state, policy) ? reset(giving, now) : undefined;
  const word = peer.beat.handover;
  // A target that knows nothing of it serves nothing of it.
  if (word.id !== giving.id) return reset(giving, now);
  return word.connections === 0 && now >= after(giving.since, firstPacketTime)
    ? rolledBack(giving, now)
    : undefined;
}

/**
 * The agent was killed as it gave the address, before its disk said so: the next one found the mark of a
 * swap that can be rolled back, and hears that the other machine has taken.
 */
function hasMoved(state: State, { id }: Giving, now: Instant, policy: Policy): boolean {
  const word = wordOf(state, id, now, policy);
  return word?.phase === "draining" || word?.phase === "verifying";
}

const movedAfterAll = ({ id }: Giving, { peer }: Policy): string =>
  `Swap ${id}: ${peer} has the address after all; what began here ends here`;

/** It was said when new connections came home. */
const rolledBack = (giving: Giving, now: Instant): Phase => ({
  ...ended(giving, "rolled-back", giving.reason, now),
  why: "",
});

const reset = (giving: Giving, now: Instant): Phase =>
  phase(
    { ...giving, phase: "resetting", since: now },
    giving.phase === "recalling" ? "" : `Swap ${giving.id}: rolled back: ${giving.reason}`,
  );

function fromResetting({ role, self }: State, giving: Giving, now: Instant): Phase | undefined {
  const told = self.diversion.kind === "none" && self.diversionAt >= giving.since;
  const over = role.kind !== "hold" || told || now >= after(giving.since, patience.telling);
  return over ? rolledBack(giving, now) : undefined;
}
