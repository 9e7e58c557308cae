import { elapsed, type Instant, instant, type Millis, millis, times } from "../core/time.ts";
import type { Echo, Envelope, Session } from "../protocol/datagram.ts";
import { type Dropped, dropped } from "../protocol/drop-reason.ts";
import type { KeyWord } from "../protocol/keys.ts";
import { ReplayWindow } from "../protocol/replay-window.ts";

/**
 * Tells a beat that was sent just now from one that was recorded, without comparing clocks.
 *
 * Both machines number what they send, and echo what they heard. A session that echoes one of our
 * recent numbers heard us a moment ago, so it lives: it is *believed*, and every new number of it
 * is a sign of life. Nobody can have recorded that echo earlier, because our session is drawn anew
 * at every start.
 *
 *   machine A, just started          machine B
 *   beat 1  ───────────────────────►              A is a candidate
 *           ◄─────────────── beat 70, echo A 1    A hears itself in it: B is believed
 *   beat 2, echo B 70 ─────────────►              A is believed
 *
 * Our own counter is also the clock by which sessions of the peer are put in order: the later one
 * echoes the later number. So the last beat of a session that ended, held up on a slow path, cannot
 * replace the session that followed it.
 */
export class Sessions {
  readonly session: Session;
  private readonly paths: number;
  private interval: Millis;
  private readonly sent: SentTimes = new SentTimes();
  private readonly candidates: CandidateSlot;
  private readonly replaced: Session[] = [];
  private believed: Believed | undefined;
  private answeredAt: Instant = longAgo;

  /**
   * @param session ours, 64 random bits drawn at this start
   * @param paths 1 to 8
   * @param interval between our beats; the peer's is taken to be much the same
   */
  constructor(session: Session, paths: number, interval: Millis) {
    this.session = session;
    this.paths = paths;
    this.interval = interval;
    this.candidates = new CandidateSlot(turnOf(interval));
  }

  /** From now on; nobody who is heard is forgotten. */
  useInterval(interval: Millis): void {
    this.interval = interval;
    this.candidates.turn = turnOf(interval);
  }

  /** For every datagram, on whatever path: its number, and what to echo, valid until `hear`. */
  next(now: Instant): Pick<Envelope, "session" | "counter" | "echoes"> {
    const heard = [this.believed, this.candidates.holder];
    const echoes = heard.filter((session) => session !== undefined);
    return { session: this.session, counter: this.sent.next(now), echoes };
  }

  /** What an authentic datagram is worth that arrived on `path` (ours, from 0). */
  hear(path: number, envelope: Envelope, now: Instant): Verdict {
    const { session } = envelope;
    if (session === this.session) return dropped("own");
    const echoed = newestEchoed(envelope.echoes, this.session);
    this.sent.goOnAfter(echoed);
    if (session === this.believed?.session) {
      return this.hearBelieved(this.believed, path, envelope, echoed, now);
    }
    if (this.replaced.includes(session)) return dropped("replaced");
    const heardOfUs = this.proof(echoed, now);
    if (heardOfUs !== undefined) return this.believe(path, envelope, { echoed, heardOfUs }, now);
    const candidate = this.candidates.admit(session, this.paths, now);
    if (candidate === undefined) return dropped("stranger");
    note(candidate, path, envelope.counter);
    return { kind: "candidate" };
  }

  /** The believed peer's last word on keys, for `keyWord`; undefined when it has fallen silent. */
  peerKeys(now: Instant): KeyWord | undefined {
    const peer = this.believed;
    if (peer === undefined) return undefined;
    return elapsed(peer.heardAt, now) <= silentAfter * this.interval ? peer.keys : undefined;
  }

  /** When we sent the newest datagram that the peer is known to have heard on this path. */
  heardOfUsOn(path: number): Instant | undefined {
    return this.sent.at(this.believed?.echoedOn[path] ?? 0);
  }

  private hearBelieved(
    peer: Believed,
    path: number,
    envelope: Envelope,
    echoed: number,
    now: Instant,
  ): Verdict {
    const order = peer.window.accept(envelope.counter);
    if (order === "refused") return dropped("replay");
    note(peer, path, envelope.counter);
    peer.heardAt = now;
    if (order === "newest") {
      peer.keys = envelope.keys;
      peer.echoedOn = echoedBy(envelope.echoes, this.session);
    }
    if (echoed > peer.echoed) {
      peer.echoed = echoed;
      peer.heardOfUs = this.sent.at(echoed) ?? peer.heardOfUs;
    }
    return this.signOfLife(peer, envelope, { fresh: false, newest: order === "newest" }, now);
  }

  /** When we sent what was echoed, if recent and later than all that the believed one echoed. */
  private proof(echoed: number, now: Instant): Instant | undefined {
    const sentAt = this.sent.at(echoed);
    if (sentAt === undefined || elapsed(sentAt, now) > proofAgeMax) return undefined;
    return echoed > (this.believed?.echoed ?? 0) ? sentAt : undefined;
  }

  private believe(
    path: number,
    envelope: Envelope,
    proof: Pick<Believed, "echoed" | "heardOfUs">,
    now: Instant,
  ): Verdict {
    const { session, counter, keys } = envelope;
    this.candidates.free(session);
    if (this.believed) this.replaced.push(this.believed.session);
    if (this.replaced.length > replacedMax) this.replaced.shift();
    const window = new ReplayWindow(counter);
    window.accept(counter);
    const echoedOn = echoedBy(envelope.echoes, this.session);
    const heard = unheard(session, this.paths);
    this.believed = { ...heard, ...proof, echoedOn, window, keys, heardAt: now };
    note(this.believed, path, counter);
    return this.signOfLife(this.believed, envelope, { fresh: true, newest: true }, now);
  }

  /** The window lets each ask through once; here at most one a millisecond is answered. */
  private signOfLife(
    peer: Believed,
    envelope: Envelope,
    { fresh, newest }: Pick<SignOfLife, "fresh" | "newest">,
    now: Instant,
  ): Verdict {
    const answer = envelope.ask && elapsed(this.answeredAt, now) >= answerEvery;
    if (answer) this.answeredAt = now;
    return { kind: "believed", fresh, newest, heardOfUs: peer.heardOfUs, answer };
  }
}

export type Verdict = SignOfLife | { readonly kind: "candidate" } | Dropped;

export interface SignOfLife {
  readonly kind: "believed";
  /** The session is believed from this beat on: the peer was started, or we were. */
  readonly fresh: boolean;
  /** No later beat was heard. Otherwise a sign of life on its path, with old content. */
  readonly newest: boolean;
  /** When we sent the newest datagram that the peer is known to have heard. */
  readonly heardOfUs: Instant;
  /** The beat asks, and an answer is due: one beat, on every path, that does not ask. */
  readonly answer: boolean;
}

/** An echo older than this proves nothing: its beat may have been held back on the way. */
const proofAgeMax = millis(10_000);

/** Datagrams whose time of sending is remembered: seconds of asking without a pause. */
const sentMax = 4096;

/** Intervals without a beat after which the peer's last word on keys is not relied on. */
const silentAfter = 10;

/** Our echo leaves within an interval, its proof comes back within another, and one may be lost. */
const turnOf = (interval: Millis): Millis => times(interval, 3);

const answerEvery = millis(1);
const replacedMax = 64;
const turnsApart = 64;
const longAgo = instant(Number.NEGATIVE_INFINITY);

/** A session of the peer that is echoed. */
interface Heard extends Echo {
  readonly counters: number[];
}

interface Believed extends Heard {
  readonly window: ReplayWindow;
  /** The newest of our numbers that it echoed. */
  echoed: number;
  /** The same of each path, as its newest beat says. */
  echoedOn: readonly number[];
  heardOfUs: Instant;
  keys: KeyWord;
  heardAt: Instant;
}

/**
 * The one session that is echoed without being believed. Recorded beats of sessions long gone want
 * this place too, and nothing tells them from the real peer before it has been echoed and has
 * answered. So:
 *
 * - Who has the place keeps it for a turn, long enough to be echoed and to answer. Were it the
 *   latest who has it, a flood would take it from the peer within microseconds.
 * - A turn is not prolonged by progress: a recording progresses as well, for as long as it is.
 * - Who had a turn stands back for the next 64 turns. So it does not matter how often a recording
 *   is played, only how many starts of the peer were recorded: with up to 64 the peer has its turn
 *   within as many turns.
 * - Without a rival there is no turn that ends.
 *
 * Who proves that it hears us needs no place, so a flood has to win on both machines at once.
 */
class CandidateSlot {
  holder: Heard | undefined;
  turn: Millis;
  private since: Instant = longAgo;
  /** Who lost the place, and when; in that order. */
  private readonly stoodBack = new Map<Session, Instant>();

  constructor(turn: Millis) {
    this.turn = turn;
  }

  /** For a session that is believed now. */
  free(session: Session): void {
    if (this.holder?.session === session) this.holder = undefined;
  }

  /** The session as candidate, if it is or becomes the one. */
  admit(session: Session, paths: number, now: Instant): Heard | undefined {
    if (this.holder?.session === session) return this.holder;
    if (this.holder) {
      const lostAt = this.stoodBack.get(session) ?? longAgo;
      const due = elapsed(this.since, now) >= this.turn;
      if (!due || elapsed(lostAt, now) < turnsApart * this.turn) return undefined;
      this.standBack(this.holder.session, now);
    }
    this.since = now;
    this.holder = unheard(session, paths);
    return this.holder;
  }

  private standBack(session: Session, now: Instant): void {
    this.stoodBack.delete(session);
    this.stoodBack.set(session, now);
    // Turns follow each other, so whoever is not among the last 64 has stood back for 64 turns.
    const [longest] = this.stoodBack.keys();
    if (this.stoodBack.size > turnsApart && longest) this.stoodBack.delete(longest);
  }
}

/** Our counter, and when each of its recent values was sent. */
class SentTimes {
  private counter = 0;
  private readonly times = new Float64Array(sentMax).fill(longAgo);

  next(now: Instant): number {
    this.counter += 1;
    this.times[this.counter % sentMax] = now;
    return this.counter;
  }

  at(counter: number): Instant | undefined {
    if (counter > this.counter || counter <= Math.max(0, this.counter - sentMax)) return undefined;
    const at = this.times[counter % sentMax] ?? longAgo;
    return at === longAgo ? undefined : instant(at);
  }

  /**
   * The peer has heard a number of this session that we have not sent: this machine was put back to
   * an earlier state, as a restored virtual machine is. Its numbers would be refused as replays
   * until they had caught up, so it goes on after the highest.
   */
  goOnAfter(counter: number): void {
    if (counter <= this.counter) return;
    this.counter = counter;
    this.times.fill(longAgo);
  }
}

function unheard(session: Session, paths: number): Heard {
  return { session, counters: Array.from({ length: paths }, () => 0) };
}

function note(heard: Heard, path: number, counter: number): void {
  heard.counters[path] = Math.max(counter, heard.counters[path] ?? 0);
}

/** The newest of our numbers that was heard, per path; nothing where there is none. */
const echoedBy = (echoes: readonly Echo[], own: Session): readonly number[] =>
  echoes.find((echo) => echo.session === own)?.counters ?? [];

/** The newest of our numbers that was heard on any path; 0 where there is none. */
const newestEchoed = (echoes: readonly Echo[], own: Session): number =>
  Math.max(0, ...echoedBy(echoes, own));
