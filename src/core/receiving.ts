import type { HandoverWord } from "./beat.ts";
import { freshPeer, frozen, hindrance, speaks } from "./judge.ts";
import { ended, type Phase, patience, phase, wordOf } from "./phase.ts";
import type { Policy } from "./policy.ts";
import { prove } from "./proof.ts";
import { fromServing, serve } from "./serving.ts";
import type { State } from "./state.ts";
import { type Handover, noCounts, type Receiving } from "./swap.ts";
import { after, type Instant, plus } from "./time.ts";

/*
 * The target's side of a planned swap: silencing ─▶ rehearsing ─▶ ready, and then in cut mode taking ─▶
 * verifying, and from there done or returning; in drain mode serving … (serving.ts). The target is the
 * judge of its own access_log; that it let go again is proved to the other side by the address being observed absent.
 */

export function accepted(state: State, word: HandoverWord, now: Instant, policy: Policy): Phase {
  const { id, requests, errors, span } = word;
  const hindered = hindrance(
    { ...state, orders: { ...state.orders, released: false } },
    now,
    policy,
  );
  if (hindered !== undefined)
    return ended({ id }, "refused", `${policy.node} cannot take over: ${hindered}`, now);
  const receiving: Receiving = {
    kind: "receiving",
    id,
    since: now,
    phase: "silencing",
    to: state.peer.kind === "heard" ? state.peer.beat.mac : "",
    baseline: { requests, errors, span },
    counted: noCounts,
    step: -1,
    share: 1,
    provisional: false,
    tagged: false,
    reason: "",
  };
  return phase(receiving, `Swap ${id}: getting ready to take over from ${policy.peer}`);
}

export function fromWanting(
  state: State,
  wanting: Extract<Handover, { kind: "wanting" }>,
  now: Instant,
  policy: Policy,
): Phase | undefined {
  if (state.role.kind === "hold")
    return ended(wanting, "done", "nobody else held the address", now);
  const word = wordOf(state, wanting.id, now, policy);
  if (word?.phase === "refused") return ended(wanting, "refused", word.reason, now);
  if (word?.phase === "prepare") return accepted(state, word, now, policy);
  const limit = word === undefined ? patience.wanting : plus(patience.measuring, patience.wanting);
  return now >= after(wanting.since, limit)
    ? ended(wanting, "refused", `${policy.peer} did not begin the swap`, now)
    : undefined;
}

export function fromReceiving(
  state: State,
  receiving: Receiving,
  now: Instant,
  policy: Policy,
): Phase | undefined {
  const { id } = receiving;
  const serving = state.role.kind === "take" || state.role.kind === "hold";
  switch (receiving.phase) {
    case "silencing":
    case "rehearsing":
    case "ready":
      if (serving) return counting(receiving, now);
      return (
        withdrawn(state, receiving, now, policy) ??
        diverted(state, receiving, now, policy) ??
        prepared(state, receiving, now)
      );
    case "taking":
      if (state.role.kind === "hold") return held(receiving, now);
      return !serving && now >= after(receiving.since, patience.taking)
        ? ended(receiving, "rolled-back", `${policy.node} did not take the address`, now)
        : undefined;
    case "verifying":
      if (!serving)
        return ended(
          receiving,
          "rolled-back",
          `${policy.node} lost the address while verifying`,
          now,
        );
      return baselineOf(state, receiving, now, policy) ?? judged(state, receiving, now, policy);
    case "returning":
      return serving || state.role.kind === "yield"
        ? undefined
        : phase({ ...receiving, phase: "returned", since: now });
    case "returned": {
      const peer = freshPeer(state, now, policy);
      if (state.role.kind === "standby" && peer !== undefined && speaks(peer.beat))
        return ended(receiving, "rolled-back", receiving.reason, now);
      return serving && state.role.since >= receiving.since
        ? ended(
            { id },
            "done",
            `${receiving.reason}, but ${policy.peer} did not take the address back`,
            now,
          )
        : undefined;
    }
    default:
      return fromServing(state, receiving, receiving.phase, now, policy);
  }
}

/** The holder hands over what is new: the swap goes the way of drain mode. */
function diverted(state: State, receiving: Receiving, now: Instant, policy: Policy) {
  const word = wordOf(state, receiving.id, now, policy);
  const ready = receiving.phase === "ready" && word?.phase === "diverting";
  return ready ? serve(receiving, word, now) : undefined;
}

/** Counting begins before the first client can arrive. */
function counting(receiving: Receiving, now: Instant): Phase {
  const { id, step } = receiving;
  const effects = [{ kind: "count-traffic", id, step, of: "all" }] as const;
  return { handover: { ...receiving, phase: "taking", since: now }, effects, why: "" };
}

/** What was proved before the move needs no second proof. */
const held = (receiving: Receiving, now: Instant): Phase =>
  receiving.step > -1 && !receiving.provisional
    ? phase({ ...receiving, phase: "keeping", since: now })
    : phase(
        { ...receiving, phase: "verifying", since: now },
        `Swap ${receiving.id}: verifying in the access_log that requests are served here`,
      );

/** An agent that was restarted asks the holder's word again what was served before. */
function baselineOf(state: State, receiving: Receiving, now: Instant, policy: Policy) {
  const word = wordOf(state, receiving.id, now, policy);
  if (receiving.baseline.span > 0 || word === undefined || word.span === 0) return undefined;
  const { requests, errors, span } = word;
  return phase({ ...receiving, baseline: { requests, errors, span } });
}

/** Before anything moved, a holder that no longer speaks of this swap has ended it. */
function withdrawn(state: State, receiving: Receiving, now: Instant, policy: Policy) {
  const hindered = hindrance(state, now, policy);
  if (hindered !== undefined)
    return ended(receiving, "refused", `${policy.node} cannot take over: ${hindered}`, now);
  const peer = freshPeer(state, now, policy);
  if (peer === undefined) return undefined;
  const word = peer.beat.handover;
  if (word.id !== receiving.id)
    return ended(receiving, "refused", `${policy.peer} no longer takes part`, now);
  const over = word.phase === "refused" || word.phase === "rolled-back";
  return over ? ended(receiving, word.phase, word.reason, now) : undefined;
}

/** From *ready* on the next word is the holder's: `transitions.ts` takes what it has let go. */
function prepared(state: State, receiving: Receiving, now: Instant): Phase | undefined {
  const { id, phase: at } = receiving;
  if (at === "silencing" && state.self.silent && state.self.carrier === "up") {
    const effects = [{ kind: "rehearse", id }] as const;
    return { handover: { ...receiving, phase: "rehearsing", since: now }, effects, why: "" };
  }
  const slow =
    (at === "silencing" || at === "rehearsing") && now >= after(receiving.since, patience[at]);
  return slow
    ? ended(receiving, "refused", "the target did not get ready in time", now)
    : undefined;
}

function judged(
  state: State,
  receiving: Receiving,
  now: Instant,
  policy: Policy,
): Phase | undefined {
  const word = wordOf(state, receiving.id, now, policy);
  // The holder's own request comes only when nothing is left there that would answer it.
  const early = word?.phase === "moving" || word?.phase === "draining";
  const found = prove(receiving, now, policy.swap);
  if (receiving.provisional && word?.phase === "released")
    return phase({ ...receiving, provisional: false, since: now });
  if (found.kind === "open" || (found.kind === "failed" && receiving.provisional && early))
    return undefined;
  if (found.kind === "proved") return ended(receiving, "done", found.why, now);
  const staying = nobodyToGoBackTo(state, receiving, now, policy);
  if (staying !== undefined)
    return ended(receiving, "done", `${found.why}, and ${staying}: staying`, now);
  return phase(
    { ...receiving, phase: "returning", since: now, reason: found.why },
    `Swap ${receiving.id}: ${found.why}: rolling back`,
  );
}

/** An address that is handed back must find somebody who takes it. */
function nobodyToGoBackTo(state: State, { id }: Receiving, now: Instant, policy: Policy) {
  const peer = freshPeer(state, now, policy);
  if (peer === undefined) return `${policy.peer} is gone`;
  if (frozen(state)) return "the pair is frozen";
  if (peer.beat.handover.id !== id) return `${policy.peer} has forgotten the swap`;
  return peer.beat.able ? undefined : `${policy.peer} could not take the address`;
}
