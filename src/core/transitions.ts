import type { Beat } from "./beat.ts";
import type { TellLevel } from "./effect.ts";
import {
  able,
  deafDelay,
  foreignClaim,
  freshPeer,
  frozen,
  hindrance,
  isGiving,
  isolated,
  isReceiving,
  outranks,
  precedesUs,
  rivalled,
  serviceHealth,
  serviceNetworkLost,
  speaks,
  verdict,
  witnessUnseen,
} from "./judge.ts";
import { type Move, toHold, toInquire, toPassive, toStandby, toTake, toYield } from "./moves.ts";
import { patience } from "./phase.ts";
import type { Policy } from "./policy.ts";
import type { Hold, Inquire, Role, State } from "./state.ts";
import { after, elapsed, type Instant, millis, times } from "./time.ts";
import { silenceOf } from "./words.ts";

/*
 * Every transition of the role, and nothing else. The same rules run on both machines.
 *
 *   boot ──peer heard──▶ standby ◀───────────observed absent────────── yield
 *     │                   │   ▲                                          ▲
 *     └──bootTime──┐   nobody holds                                      │ law 3,
 *                  ▼      ▼   │ somebody speaks                          │ and only law 3
 *                  inquire ───┘                                          │
 *                     │                                                  │
 *                     └──nobody does──▶ take ──observed present──▶ hold ─┘
 *
 * The laws. *Speaks* = its kernel answers ARP/ND for the address. *Serves* = it accepts a new
 * connection for it.
 *
 * 1. **One server.** At no time do two machines serve. One machine speaks; in a handover's *move*,
 *    for a moment, both do, and both doors lead to the same server. What two machines cannot prevent
 *    without a fence or a third vote is listed by name in docs, with its bound: a machine paused
 *    whole speaks again when it resumes, until it hears one beat; a full cut without a witness has
 *    two holders until it heals plus two intervals.
 * 2. **The kernel lets go by itself.** A machine whose agent is killed, hung or starved loses the
 *    address within `lease` + 1 s with nobody's help.
 * 3. **A holder yields** only to an operator's wish that it has acknowledged; to its own service
 *    failing, or its service network being lost, while the peer's is well; to a holder with a higher
 *    epoch; to isolation. Never to silence; never to a newcomer, whatever its name; never to an epoch
 *    taken *blind* (by a machine that has not heard the peer since it started) if it has itself held
 *    without a break.
 * 4. **Odd is not dead.** An authentic beat that is strange (other version, configuration,
 *    interval) is a sign of life and an alarm. A peer that cannot hear us is an alarm, not silence: a
 *    standby that still hears the holder never takes.
 * 5. **Look before taking.** Own loop not late; silence on every path; carrier on the service
 *    interface; nobody answers for the address; a witness answers. Otherwise wait, and say why.
 * 6. **Goodbye follows removal.** "Released" is said only after the address was observed absent.
 * 7. **Epochs settle arguments.** Every change of ownership raises the epoch; the higher wins,
 *    ties go to the name that sorts first byte by byte; the loser lets go first and says so; the
 *    winner announces again at once, after 1.1 s and after 5 s.
 * 8. **Nothing slow beats the heart.** No disk, DNS, child process or lock is waited for between
 *    an event and the next beat.
 * 9. **A handover is a transaction.** It ends *done* or *rolled back*, whatever dies in the
 *    middle, and the history says which and why.
 * 10. **Every fact has an age.** Status never shows a value without saying how old it is.
 *
 * A rule answers undefined where it has nothing to say; the first that speaks decides.
 */

export function nextMove(state: State, now: Instant, policy: Policy): Move | undefined {
  switch (state.role.kind) {
    case "boot":
      return fromBoot(state, state.role, now, policy);
    case "standby":
      return fromStandby(state, now, policy);
    case "inquire":
      return fromInquire(state, state.role, now, policy);
    case "take":
      return fromTake(state, state.role, now, policy);
    case "hold":
      return fromHold(state, state.role, now, policy);
    case "yield":
      return fromYield(state, state.role, now);
  }
}

type RoleOf<Kind extends Role["kind"]> = Extract<Role, { kind: Kind }>;

function fromBoot(state: State, role: RoleOf<"boot">, now: Instant, policy: Policy) {
  if (state.peer.kind === "heard") return toStandby(now, `${policy.peer} is heard`);
  if (role.aliveSince === undefined || !able(state, now, policy)) return undefined;
  const patience = times(policy.bootTime, policy.first ? 1 : 2);
  return now >= after(role.aliveSince, patience)
    ? toInquire(now, `${policy.peer} was not heard since this agent started: asking who holds`)
    : undefined;
}

function fromStandby(state: State, now: Instant, policy: Policy): Move | undefined {
  const handed = takeHandedOver(state, now, policy);
  if (handed !== undefined) return handed;
  const hindered = hindrance(state, now, policy);
  if (hindered !== undefined && hindered !== witnessUnseen) return undefined;
  if (state.peer.kind === "heard" && freshPeer(state, now, policy) === undefined)
    return toInquire(now, silenceOf(state.peer, now, policy));
  if (hindered !== undefined || deferral(state, now, policy) !== undefined) return undefined;
  return toInquire(now, `nobody holds the address: asking before taking it`);
}

/** Why the other machine goes first, or undefined where this one may ask for the address. */
function deferral(state: State, now: Instant, policy: Policy): string | undefined {
  const peer = freshPeer(state, now, policy);
  if (peer === undefined) return undefined;
  if (speaks(peer.beat)) return `${policy.peer} lives and has the address`;
  if (partnersTurn(state, peer.beat, now)) return `it is ${policy.peer}'s turn in the swap`;
  return precedesUs(peer.beat, policy) && peer.beat.able ? `${policy.peer} goes first` : undefined;
}

/**
 * In a swap the address changes hands by word. Whose turn it is has two seconds; then section 3 of
 * the design decides.
 */
function partnersTurn(state: State, beat: Beat, now: Instant): boolean {
  const { id, phase } = beat.handover;
  if (state.handover.kind === "none" || id !== state.handover.id) return false;
  if (phase === "refused" || phase === "rolled-back") return false;
  if (!beat.able && !frozen(state)) return false;
  if (isGiving(state, "release") || isReceiving(state, "returning")) return true;
  const said =
    isGiving(state, "released") || isGiving(state, "moving") || isReceiving(state, "returned");
  return said && now < after(state.handover.since, millis(2000));
}

/** The other side has let go, observed it, and named this swap: there is nothing left to ask. */
function takeHandedOver(state: State, now: Instant, policy: Policy): Move | undefined {
  const { handover } = state;
  const peer = freshPeer(state, now, policy);
  if (peer === undefined || handover.kind === "none") return undefined;
  // In drain mode the door of a holder that speaks leads here already.
  const word = peer.beat.handover;
  const doorOpen = isReceiving(state, "placed") && word.phase === "moving";
  if (speaks(peer.beat) && !doorOpen) return undefined;
  if (peer.hearsUs === undefined || peer.hearsUs < state.lateAt) return undefined;
  // A swap that both have acknowledged is an operator's wish, and is not stopped half way by a freeze.
  const thawed = { ...state.orders, freeze: { ...state.orders.freeze, on: false } };
  if (hindrance({ ...state, orders: thawed }, now, policy) !== undefined) return undefined;
  const given =
    doorOpen ||
    (isReceiving(state, "ready") && word.phase === "released") ||
    (handover.kind === "giving" && word.phase === "returning");
  if (!given || handover.id !== word.id || !mayKeep(state, now, policy)) return undefined;
  return toTake(state, now, `${policy.peer} hands it over in swap ${word.id}`);
}

function fromInquire(state: State, role: Inquire, now: Instant, policy: Policy): Move | undefined {
  const hindered = hindrance(state, now, policy);
  // An unseen witness is waited for in the inquiry itself, which asks it again and again.
  if (hindered !== undefined && hindered !== witnessUnseen)
    return toPassive(state, now, `cannot take the address: ${hindered}`);
  const deferred = deferral(state, now, policy);
  if (deferred !== undefined) return toStandby(now, deferred);
  const found = verdict(role, state, now, policy);
  if (found.kind === "take")
    return mayKeep(state, now, policy) ? toTake(state, now, found.why) : undefined;
  const claimingSince = found.kind === "claim" ? (role.claimingSince ?? now) : undefined;
  const waiting = found.kind === "wait" && found.why !== "" ? found.why : role.waiting;
  if (claimingSince === role.claimingSince && waiting === role.waiting) return undefined;
  const why = waiting === role.waiting ? "" : `Waiting: ${waiting}`;
  return { role: { ...role, claimingSince, waiting }, level: "warning", why };
}

function fromTake(state: State, role: RoleOf<"take">, now: Instant, policy: Policy) {
  const lost = mustYield(state, role.epoch, role.blind, now, policy);
  if (lost !== undefined) return lost;
  if (state.self.presence === "all") return toHold(role, now);
  // The kernel is slow to add it, and meanwhile what was silent speaks.
  const { peer, neighbours } = state;
  const invited = isReceiving(state, "taking") && state.handover.step > -1;
  const spoke =
    (neighbours.rival !== undefined && neighbours.rival.at > role.since) ||
    (peer.kind === "heard" && peer.at > role.since && peer.beat.role === "holding");
  if (spoke && !invited && state.self.presence === "none")
    return toYield(role.epoch, now, "warning", `${policy.peer} lives and has it after all`);
  if (now < after(role.since, policy.lease)) return undefined;
  const why = "the kernel did not add the address within a lease";
  return { ...toYield(role.epoch, now, "error", why), failed: true };
}

function fromHold(state: State, role: Hold, now: Instant, policy: Policy): Move | undefined {
  const unrenewed = ms(elapsed(role.renewedAt, now));
  if (state.self.presence === "none" && now >= after(role.renewedAt, policy.lease))
    return toStandby(now, `not renewed for ${unrenewed}, the kernel let the address go`, "warning");
  const lost = mustYield(state, role.epoch, role.blind, now, policy);
  if (lost !== undefined) return lost;
  if (now >= after(role.renewedAt, times(policy.lease, 0.5)))
    return toYield(role.epoch, now, "warning", `the lease was not renewed for ${unrenewed}`);
  const foreign = foreignClaim(state, now);
  if (state.peer.kind === "unheard" && !policy.first && foreign !== undefined)
    return toYield(role.epoch, now, "error", `${foreign} claims the address too`);
  if (rivalled(state, now, policy))
    return toYield(role.epoch, now, "error", `the kernel of ${policy.peer} answers for it too`);
  return (
    acknowledged(state, role, now, policy) ??
    surpassBlind(state, role, now, policy) ??
    yieldToBetter(state, role.epoch, now, policy)
  );
}

/** What would have to be let go at once is not taken: the wish would never have been uttered. */
const mayKeep = (state: State, now: Instant, policy: Policy): boolean =>
  mustYield(state, state.epoch + 1, state.peer.kind === "unheard", now, policy) === undefined;

/**
 * Law 3, what even a frozen holder obeys: an operator, a higher epoch, a claim that cannot hear us,
 * isolation.
 */
function mustYield(state: State, epoch: number, blind: boolean, now: Instant, policy: Policy) {
  const { orders, handover } = state;
  const because = (level: TellLevel, why: string) => toYield(epoch, now, level, why);
  if (orders.leaving) return because("info", "the agent is stopping");
  if (orders.released) return because("info", "an operator released the address");
  // A machine that took the address back because its partner did not, keeps it.
  const began = handover.kind !== "none" && state.role.since <= handover.since;
  if (began && handover.kind === "giving" && handover.phase === "release")
    return because("info", `${policy.peer} is ready to take it in swap ${handover.id}`);
  if (began && handover.kind === "receiving" && handover.phase === "returning")
    return because("warning", `${handover.reason}: handing it back in swap ${handover.id}`);
  const peer = freshPeer(state, now, policy);
  const given = began && isGiving(state, "moving");
  if (given && (peer === undefined || now >= after(handover.since, patience.taking)))
    return because("warning", `${policy.peer} was to take it, and does not say that it has`);
  const arriving = given && peer?.beat.role === "taking";
  if (peer !== undefined && speaks(peer.beat) && !arriving && outranks(peer.beat, epoch, policy)) {
    if (given) return because("info", `${policy.peer} has it in swap ${handover.id}`);
    if (blind || !peer.beat.blind)
      return because(
        "warning",
        `${policy.peer} holds it with epoch ${peer.beat.epoch}, above ours`,
      );
  }
  // It asked, was answered and does not know: it takes when its question ends, so this machine lets
  // go before.
  if (peer?.claimingSince !== undefined && now >= after(peer.claimingSince, deafDelay(policy)))
    return because("warning", `${policy.peer} cannot hear this machine and is about to take it`);
  return isolated(state, now, policy)
    ? because("error", `neither ${policy.peer} nor the witness is heard`)
    : undefined;
}

/** An epoch taken blind is an ordinary one once the peer has heard of it and stands by. */
function acknowledged(state: State, role: Hold, now: Instant, policy: Policy): Move | undefined {
  const peer = freshPeer(state, now, policy);
  if (!role.blind || peer?.hearsUs === undefined || peer.hearsUs < role.since) return undefined;
  if (speaks(peer.beat)) return undefined;
  return { role: { ...role, blind: false }, level: "info", why: `${policy.peer} stands by` };
}

/**
 * Law 3: an epoch taken blind does not beat a holder without a break, which raises its own above
 * it.
 */
function surpassBlind(state: State, role: Hold, now: Instant, policy: Policy): Move | undefined {
  const peer = freshPeer(state, now, policy);
  if (peer === undefined || !speaks(peer.beat) || !peer.beat.blind || role.blind) return undefined;
  if (!outranks(peer.beat, role.epoch, policy)) return undefined;
  const epoch = peer.beat.epoch + 1;
  return {
    role: { ...role, epoch, announcingSince: now, announced: 0 },
    level: "warning",
    why: `${policy.peer} took the address without having heard this machine: holding on with epoch ${epoch}`,
  };
}

/**
 * Law 3, between machines that hear each other: the service or its network is lost here and well
 * there.
 */
function yieldToBetter(state: State, epoch: number, now: Instant, policy: Policy) {
  const peer = freshPeer(state, now, policy);
  if (peer === undefined || frozen(state) || !peer.beat.able) return undefined;
  const { service, network } = peer.beat;
  if (serviceHealth(state, now) === "failed" && service === "well")
    return toYield(epoch, now, "error", `nothing listens at the service port any more`);
  return network.carrier && serviceNetworkLost(state, now, policy)
    ? toYield(epoch, now, "error", `the service network is lost here and ${policy.peer} has it`)
    : undefined;
}

/** Seen absent since then: a command of an earlier wish could still add it. */
function fromYield(state: State, role: RoleOf<"yield">, now: Instant): Move | undefined {
  return state.self.presence === "none" && state.self.presenceAt >= role.since
    ? toStandby(now, "the address was observed absent: released")
    : undefined;
}

const ms = (span: number): string => `${Math.round(span)} ms`;
