import type { HandoverWord } from "./beat.ts";
import { freshPeer, hindrance, peerKernelGoneAt, speaks } from "./judge.ts";
import { ended, firstPacketTime, type Phase, patience, phase, wordOf } from "./phase.ts";
import type { Policy } from "./policy.ts";
import { prove } from "./proof.ts";
import type { State } from "./state.ts";
import type { Receiving } from "./swap.ts";
import { after, type Instant, millis } from "./time.ts";

/*
 * The target's side in drain mode, from the holder's first step on:
 *
 *   serving ◀─▶ proved ─▶ placed ─▶ taking ─▶ keeping ─▶ done
 *      └───────────┴─────────┴─▶ receding ─▶ rolled back
 *
 * It serves silently what is handed over, and is the judge of its own access_log. After a rollback what
 * was begun here ends here.
 */

type ServingPhase = Extract<
  Receiving["phase"],
  "serving" | "proved" | "placed" | "keeping" | "receding" | "resetting"
>;

export function fromServing(
  state: State,
  receiving: Receiving,
  at: ServingPhase,
  now: Instant,
  policy: Policy,
): Phase | undefined {
  const takes = state.role.kind === "take" || state.role.kind === "hold";
  switch (at) {
    case "serving":
    case "proved":
    case "placed": {
      if (takes) return taken(state, receiving, now, policy);
      const gone = givenUp(state, receiving, now, policy);
      if (gone !== undefined) return recede(receiving, gone, now);
      const word = wordOf(state, receiving.id, now, policy);
      if (word?.phase === "diverting" && word.step !== receiving.step)
        return serve(receiving, word, now);
      // The agent was restarted before the holder's first step.
      if (word?.phase === "prepare") return phase({ ...receiving, phase: "ready", since: now });
      return at === "serving" ? judged(receiving, word, now, policy) : undefined;
    }
    case "keeping":
      return fromKeeping(state, receiving, now, policy);
    case "receding":
      return fromReceding(state, receiving, now, policy);
    case "resetting":
      return fromResetting(state, receiving, now);
  }
}

/** The holder's step is in its kernel: from here on what arrives counts. */
export function serve(receiving: Receiving, word: HandoverWord, now: Instant): Phase {
  const { step, share } = word;
  const { requests, errors, span } = word;
  const { id } = receiving;
  const baseline = receiving.baseline.span > 0 ? receiving.baseline : { requests, errors, span };
  return {
    handover: {
      ...receiving,
      phase: "serving",
      since: now,
      baseline,
      step,
      share,
      counted: { requests: 0, errors: 0, span: millis(0) },
      tagged: false,
    },
    effects: [{ kind: "count-traffic", id, step, of: "handed-over" }],
    why: "",
  };
}

const recede = (receiving: Receiving, reason: string, now: Instant): Phase =>
  phase(
    { ...receiving, phase: "receding", since: now, reason },
    `Swap ${receiving.id}: rolled back: ${reason}`,
  );

/** What the holder kept died with it: clients that only receive would wait for ever. */
const resetKept = (receiving: Receiving, reason: string, now: Instant): Phase =>
  phase(
    { ...receiving, phase: "resetting", since: now, reason },
    `Swap ${receiving.id}: done: ${reason}`,
  );

function fromResetting({ role, self }: State, receiving: Receiving, now: Instant) {
  const told = self.diversion.kind === "none" && self.diversionAt >= receiving.since;
  const serves = role.kind === "take" || role.kind === "hold";
  const over = !serves || told || now >= after(receiving.since, patience.telling);
  return over ? { ...ended(receiving, "done", receiving.reason, now), why: "" } : undefined;
}

/** The address came by the holder's word, or because the holder is gone. */
function taken(state: State, receiving: Receiving, now: Instant, policy: Policy): Phase {
  if (receiving.phase !== "placed" || freshPeer(state, now, policy) === undefined)
    return resetKept(receiving, `${policy.peer} fell silent`, now);
  const { id, provisional } = receiving;
  const step = receiving.step + 1;
  const taking = { ...receiving, phase: "taking" as const, since: now, step };
  return provisional
    ? { handover: taking, effects: [{ kind: "count-traffic", id, step, of: "all" }], why: "" }
    : phase(taking);
}

function givenUp(state: State, { id }: Receiving, now: Instant, policy: Policy) {
  const peer = freshPeer(state, now, policy);
  // A holder that is silent may be restarting: its kernel goes on handing over.
  if (peer === undefined) return undefined;
  const word = peer.beat.handover;
  if (word.id !== id) return `${policy.peer} no longer takes part`;
  if (word.phase === "refused" || word.phase === "rolled-back") return word.reason;
  // An agent that was restarted with an old mark on its disk may come back to a swap that is over.
  if (word.phase === "done") return `${policy.peer} has ended the swap`;
  const hindered = hindrance(state, now, policy);
  return hindered === undefined ? undefined : `${policy.node} cannot take over: ${hindered}`;
}

/** A share of 0 is a preview: nothing is to be proved by it. */
function judged(
  receiving: Receiving,
  word: HandoverWord | undefined,
  now: Instant,
  policy: Policy,
): Phase | undefined {
  if (word?.phase !== "diverting" || word.share === 0) return undefined;
  const found = prove(receiving, now, policy.swap);
  switch (found.kind) {
    case "open":
      return undefined;
    case "failed":
      return recede(receiving, found.why, now);
    case "proved":
      return phase(
        { ...receiving, phase: "proved", since: now, provisional: found.provisional },
        `Swap ${receiving.id}: ${found.why}`,
      );
  }
}

function fromKeeping(state: State, receiving: Receiving, now: Instant, policy: Policy) {
  const done = (reason: string) => ended(receiving, "done", reason, now);
  if (state.role.kind !== "hold") return done(`${policy.node} let the address go meanwhile`);
  const peer = freshPeer(state, now, policy);
  if (peer === undefined)
    return now >= peerKernelGoneAt(state, policy)
      ? resetKept(receiving, `${policy.peer} is gone`, now)
      : undefined;
  const word = peer.beat.handover;
  if (word.id !== receiving.id)
    return resetKept(receiving, `${policy.peer} has forgotten the swap`, now);
  // A first holder that speaks was restarted, and does not know yet that the address has moved.
  const over = word.phase === "done" || (word.phase === "rolled-back" && !speaks(peer.beat));
  return over ? done(word.reason) : undefined;
}

/** Also while the holder is silent: what was begun here is served until it ends. */
function fromReceding(state: State, receiving: Receiving, now: Instant, { peer }: Policy) {
  const { left } = state.self;
  const empty = left !== undefined && left.at > receiving.since && left.connections === 0;
  const takes = state.role.kind === "take" || state.role.kind === "hold";
  const forgotten = state.peer.kind === "heard" && state.peer.beat.handover.phase === "none";
  const over = takes || forgotten || (empty && now >= after(receiving.since, firstPacketTime));
  if (!over) return undefined;
  const reason = receiving.reason === "" ? `${peer} no longer takes part` : receiving.reason;
  return { ...ended(receiving, "rolled-back", reason, now), why: "" };
}
