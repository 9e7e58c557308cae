import type { Beat } from "./beat.ts";
import type { Policy } from "./policy.ts";
import type { Inquire, Peer, State } from "./state.ts";
import type { Giving, Receiving } from "./swap.ts";
import {
  after,
  before,
  earliest,
  type Instant,
  latest,
  type Millis,
  millis,
  plus,
  times,
} from "./time.ts";

/**
 * What can be concluded from the facts. Nothing here changes anything; each question has one answer
 * at one instant, and those that time alone can change have their instant in `step.ts`.
 */

export type HeardPeer = Extract<Peer, { kind: "heard" }>;

/** A witness is asked each second at rest; three answers missing means it is not seen. */
const witnessFresh = millis(3200);
/** A listening socket is looked for each second; a web server that restarts is given three. */
const serviceFresh = millis(3500);
/** After a taking that the kernel refused the other machine goes first. */
const failedRest = millis(10_000);
/** The kernel looks at lifetimes at most once a second: the lease, one second, and some slack. */
const leaseSlack = millis(1300);
/** A rival's kernel is asked ten times a second while it answers. */
export const rivalFresh = millis(1000);
/** How long a foreign claim of the address is believed after its last frame. */
const foreignFresh = millis(10_000);

/** The peer, when a sign of life came within `deadTime`. */
export function freshPeer(state: State, now: Instant, policy: Policy): HeardPeer | undefined {
  const { peer } = state;
  return peer.kind === "heard" && now < after(peer.at, policy.deadTime) ? peer : undefined;
}

/** The sender's kernel answers for the address, or is about to, or may still. */
export const speaks = (beat: Beat): boolean =>
  beat.present || beat.role === "taking" || beat.role === "holding" || beat.role === "yielding";

/** Law 7: names sort byte by byte. They are ASCII, so comparing UTF-16 units is the same. */
const sortsFirst = (policy: Policy): boolean => policy.node < policy.peer;

/**
 * Who takes a vacant address when both could. The beat carries the order; where the two disagree,
 * names decide.
 */
export function precedesUs(beat: Beat, policy: Policy): boolean {
  return beat.first === policy.first ? !sortsFirst(policy) : beat.first;
}

/** Law 7: the higher epoch wins, ties go to the name that sorts first. */
export const outranks = (beat: Beat, epoch: number, policy: Policy): boolean =>
  beat.epoch > epoch || (beat.epoch === epoch && !sortsFirst(policy));

/** Either machine may have been told; the higher stamp is the pair's last word. */
export const frozen = (state: State): boolean => state.orders.freeze.on;

export function serviceHealth(state: State, now: Instant): Beat["service"] {
  const { service } = state.self;
  if (service.listenedAt === undefined) return "unwatched";
  return service.listening || now < after(service.listenedAt, serviceFresh) ? "well" : "failed";
}

export const witnessSeen = (state: State, now: Instant): boolean =>
  state.witness.seenAt !== undefined && now < after(state.witness.seenAt, witnessFresh);

/** The witness's silence is evidence only while it is not known to be broken. */
const witnessTrusted = (state: State, policy: Policy): boolean =>
  policy.witness && !state.witness.broken;

/** When a path across the service network last brought a sign of life. */
function heardOnServiceAt(peer: HeardPeer, policy: Policy): Instant | undefined {
  const heard = peer.paths.filter(
    (at, path): at is Instant => at !== undefined && policy.paths[path]?.service === true,
  );
  return heard.length === 0 ? undefined : latest(...heard);
}

/** From this silence on the witness is asked fast: it may soon be the only other voice. */
export const missedBeat = (policy: Policy): Millis => times(policy.interval, 1.5);

/** Silence after which a peer counts as gone, with the witness asked fast for `confirmTime` of it. */
export const goneAfter = (policy: Policy): Millis =>
  plus(millis(Math.max(policy.deadTime, missedBeat(policy))), policy.confirmTime);

/** Nothing of the peer came across the service network for this long. */
export function missing(state: State, span: Millis, now: Instant, policy: Policy): boolean {
  const at = state.peer.kind === "heard" ? heardOnServiceAt(state.peer, policy) : undefined;
  return at === undefined || now >= after(at, span);
}

/** The peer has been missing for so long that the witness is asked at leisure. */
export const longMissing = (state: State, now: Instant, policy: Policy): boolean =>
  missing(state, plus(policy.deadTime, millis(2000)), now, policy);

/** A trusted witness has not answered for `confirmTime`; asked at leisure, for ten intervals more. */
function witnessLost(state: State, now: Instant, policy: Policy): boolean {
  const leisure = longMissing(state, now, policy) ? times(policy.interval, 10) : millis(0);
  const { seenAt } = state.witness;
  if (!witnessTrusted(state, policy) || seenAt === undefined) return false;
  return now >= after(seenAt, plus(policy.confirmTime, leisure));
}

/**
 * When a peer that stays silent, and whose kernel, asked for its own address, does not answer, counts as
 * gone: what it serves of a swap is lost then. What came while this agent hung may still be unread.
 */
export function peerKernelGoneAt(state: State, policy: Policy): Instant {
  const { peer, neighbours, handover, lateAt } = state;
  const heardAt = peer.kind === "heard" ? peer.at : undefined;
  const since = "since" in handover ? handover.since : state.alarm;
  const seen = latest(since, heardAt ?? since, neighbours.peerKernelAt ?? since, lateAt);
  return after(seen, goneAfter(policy));
}

/**
 * After a hang one socket is read before the other, and the witness was not asked meanwhile: what seems
 * silent may only be unread. An agent that is late all the time is excused for a lease: it is cut off as well
 * as any other.
 */
function justWoken({ lateAt, peer, witness }: State, now: Instant, policy: Policy): boolean {
  const heardAt = peer.kind === "heard" ? peer.at : witness.seenAt;
  if (heardAt === undefined) return false;
  const sign = latest(heardAt, witness.seenAt ?? heardAt);
  const lease = after(sign, plus(policy.lease, policy.confirmTime));
  return now < earliest(after(lateAt, policy.confirmTime), lease);
}

/** Law 3: neither peer nor witness is heard. A peer that said goodbye is not missing. */
export function isolated(state: State, now: Instant, policy: Policy): boolean {
  if (justWoken(state, now, policy)) return false;
  const { peer } = state;
  const heard = peer.kind === "heard" && now < after(peer.at, goneAfter(policy));
  const goodbye = peer.kind === "heard" && peer.beat.released;
  return !heard && !goodbye && witnessLost(state, now, policy);
}

/** Nobody is heard across the service network, cable or no cable. */
export function serviceNetworkLost(state: State, now: Instant, policy: Policy): boolean {
  if (state.self.carrier === "none") return true;
  if (justWoken(state, now, policy)) return false;
  return missing(state, goneAfter(policy), now, policy) && witnessLost(state, now, policy);
}

/**
 * The kernel of a peer that is not heard answers for the address that this machine holds, and has for
 * longer than a machine that resumes or a late frame would: both took it, deaf to each other's beats.
 * Names settle what epochs cannot, as nobody can tell them.
 */
export function rivalled(state: State, now: Instant, policy: Policy): boolean {
  const { rival } = state.neighbours;
  if (rival === undefined || sortsFirst(policy)) return false;
  return now < after(rival.at, rivalFresh) && now >= after(rival.since, goneAfter(policy));
}

/** Nothing but the peer's holding keeps this machine from taking. */
export function able(state: State, now: Instant, policy: Policy): boolean {
  return hindrance(state, now, policy) === undefined;
}

export const witnessUnseen = "it sees no witness";

/**
 * What keeps this machine from taking the address, as the end of the sentence "it cannot take: …".
 */
export function hindrance(state: State, now: Instant, policy: Policy): string | undefined {
  const { self, orders } = state;
  if (orders.leaving) return "its agent is stopping";
  if (orders.released) return "it was released by an operator";
  if (frozen(state)) return "the pair is frozen";
  if (self.carrier === "none") return "its service interface has no carrier";
  if (serviceHealth(state, now) === "failed") return "nothing listens at its service port any more";
  if (self.failedAt !== undefined && now < after(self.failedAt, failedRest))
    return "its kernel did not carry out the last taking";
  const unseen = !witnessSeen(state, now) || serviceNetworkLost(state, now, policy);
  if (witnessTrusted(state, policy) && unseen) return witnessUnseen;
  return undefined;
}

/**
 * The last frame in which a machine that is neither of the pair nor a known proxy claimed the
 * address.
 */
export function foreignClaim(state: State, now: Instant): string | undefined {
  const { foreign } = state.neighbours;
  return foreign !== undefined && now < after(foreign.at, foreignFresh) ? foreign.mac : undefined;
}

/** A claim that stands this long proves that the claimant does not hear our answers. */
export const deafDelay = (policy: Policy): Millis => times(policy.confirmTime, 0.25);

/** The instant from which the missing holder's lease has run out, whatever its agent did last. */
export function leaseOver(role: Inquire, state: State): Instant {
  const { peer } = state;
  return role.kernelAnswered && peer.kind === "heard"
    ? after(peer.at, plus(peer.beat.lease, leaseSlack))
    : role.asking;
}

/**
 * When silence becomes an answer. A kernel that has answered before is known to live: it is given the
 * time that a peer is given, as chance must not lose every answer of one `confirmTime` in an hour.
 */
export function questionEnds(role: Inquire, state: State, policy: Policy): Instant {
  const patience = role.kernelAnswered ? goneAfter(policy) : policy.confirmTime;
  return latest(after(role.asking, patience), after(leaseOver(role, state), policy.confirmTime));
}

/** How long silence is claimed before it is acted on. */
export const claimTime = (policy: Policy): Millis => times(policy.confirmTime, 0.5);

/** From here on, if nothing else hinders, silence is claimed. */
export const claimBegins = (role: Inquire, state: State, policy: Policy): Instant =>
  before(questionEnds(role, state, policy), claimTime(policy));

/** The witness has answered since the question was last put. */
export const witnessed = ({ witnessAt, asking }: Inquire): boolean =>
  witnessAt !== undefined && witnessAt >= asking;

export type Verdict =
  | { readonly kind: "take"; readonly why: string }
  /** Nobody has answered: unless somebody does, this machine takes. Said for `claimTime`. */
  | { readonly kind: "claim" }
  /** `why` is empty while nothing but the question itself takes its time. */
  | { readonly kind: "wait"; readonly why: string };

/**
 * Law 5, look before taking, for an inquiry that heard nothing that speaks. Three kinds of evidence
 * allow it: nobody answered for the whole of `confirmTime`, and the taking was claimed for half of it
 * without a break, so that a holder that hears us and that we cannot hear could let go first; the peer
 * itself answered an ask of this inquiry and neither holds nor goes first; or the peer is heard, cannot
 * hear us, and does not claim.
 */
export function verdict(role: Inquire, state: State, now: Instant, policy: Policy): Verdict {
  const wait = (why: string): Verdict => ({ kind: "wait", why });
  if (state.self.carrier !== "up") return wait("the service interface is coming up");
  if (witnessTrusted(state, policy) && !witnessed(role))
    return wait(now >= questionEnds(role, state, policy) ? "no witness answers" : "");
  const foreign = foreignClaim(state, now);
  if (foreign !== undefined) return wait(`${foreign} answers for the address`);
  const peer = freshPeer(state, now, policy);
  if (peer !== undefined && peer.at >= role.since) return heardVerdict(role, peer, now, policy);
  if (now < leaseOver(role, state))
    return wait(`the kernel of ${policy.peer} answered, so its lease has to run out`);
  if (now < claimBegins(role, state, policy)) {
    const odd = role.kernelAnswered && now >= after(leaseOver(role, state), goneAfter(policy));
    return wait(odd ? `the kernel of ${policy.peer} answers beyond its lease` : "");
  }
  if (role.claimingSince === undefined || now < after(role.claimingSince, claimTime(policy)))
    return { kind: "claim" };
  const unheard = state.peer.kind === "unheard";
  return { kind: "take", why: unheard ? "nobody is heard and nobody answers" : "nobody answers" };
}

/**
 * Whoever asks as well, and could take, may have our own earlier word already and be about to act on it:
 * it has to stand by first. It does, when it hears that we ask and go first.
 */
function heardVerdict(role: Inquire, peer: HeardPeer, now: Instant, policy: Policy): Verdict {
  const asks = peer.beat.role === "asking" || peer.beat.role === "claiming";
  const settled = !asks || !peer.beat.able;
  if (settled && peer.hearsUs !== undefined && peer.hearsUs >= role.since)
    return { kind: "take", why: `${policy.peer} says that it does not hold` };
  // A beat that came a while after the question began is no old one from the queue of a late loop.
  const current = peer.at >= after(role.since, claimTime(policy));
  const over = now >= after(role.since, policy.confirmTime);
  const quiet = peer.beat.role !== "claiming" && current && over;
  return quiet
    ? { kind: "take", why: `${policy.peer} does not hold and cannot hear us` }
    : { kind: "wait", why: "" };
}

/** The side that must wait in a handover while the other takes its turn. */
export const isGiving = (
  state: State,
  phase: Giving["phase"],
): state is State & { handover: Giving } =>
  state.handover.kind === "giving" && state.handover.phase === phase;

export const isReceiving = (
  state: State,
  phase: Receiving["phase"],
): state is State & { handover: Receiving } =>
  state.handover.kind === "receiving" && state.handover.phase === phase;
