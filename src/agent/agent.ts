import type { Beat } from "../core/beat.ts";
import { type Effect, sameWish, type Wish } from "../core/effect.ts";
import type { Event } from "../core/event.ts";
import type { Policy } from "../core/policy.ts";
import { beat, pace } from "../core/publish.ts";
import { initialState, type Start, type State } from "../core/state.ts";
import { step } from "../core/step.ts";
import {
  after,
  earliest,
  type Instant,
  lateAfter,
  type Millis,
  millis,
  times,
} from "../core/time.ts";
import { wish } from "../core/wish.ts";
import type { Message, Page, Session } from "../protocol/datagram.ts";
import { decode } from "../protocol/decode.ts";
import { Encoder } from "../protocol/encode.ts";
import { findKey, type KeyRing, type KeyWord, keyWord } from "../protocol/keys.ts";
import { Gaps } from "./gaps.ts";
import { KeptExchange } from "./kept-exchange.ts";
import { news } from "./news.ts";
import { PathRecord } from "./path-record.ts";
import { type Forgotten, forget, PolicyInForce } from "./policy-in-force.ts";
import type { Host, Steward, Transport } from "./ports.ts";
import { Sessions } from "./sessions.ts";

export interface AgentOptions {
  /** Until `usePolicy` is told of another. */
  readonly policy: Policy;
  readonly start: Start;
  readonly protocol: {
    readonly pair: Uint8Array;
    /** Until `useKeys` is told of another. */
    readonly ring: KeyRing;
    /** Drawn anew at every start. */
    readonly session: Session;
  };
  readonly transport: Transport;
  readonly host: Host;
  readonly steward: Steward;
  /** From 0 to 1, exclusive; spreads the beats. */
  readonly random: () => number;
}

/**
 * Turns the crank: an event goes through `step`, and what follows from the state reaches the ports: the
 * beat first, then the wish, then the acts. It decides nothing and awaits nothing, so the same class
 * runs in production and in the simulator.
 *
 *   datagram ─▶ decode ─▶ sessions ─┐
 *   event ──────────────────────────┴─▶ queue ─▶ step ─▶ beat, wish, effects, alarm
 */
export class Agent {
  readonly paths: readonly PathRecord[];
  readonly gaps: Gaps;
  private readonly options: AgentOptions;
  private readonly policies: PolicyInForce;
  private ring: KeyRing;
  private encoder: Encoder;
  private readonly sessions: Sessions;
  private readonly queue: Event[] = [];
  private turning = false;
  private current: State;
  /** Undefined until the first turn: whatever an earlier agent left is reconciled then. */
  private wished: Wish | undefined;
  private said: Beat;
  private beatDue: Instant;
  private rounds = 0;
  private newerVersion: number | undefined;
  private readonly kept = new KeptExchange();

  constructor(options: AgentOptions) {
    const { policy, protocol, start } = options;
    this.options = options;
    this.policies = new PolicyInForce(policy);
    this.ring = protocol.ring;
    this.encoder = new Encoder(protocol.pair, this.ring);
    this.sessions = new Sessions(protocol.session, policy.paths.length, policy.interval);
    this.gaps = new Gaps(policy.paths.length);
    this.paths = policy.paths.map(() => new PathRecord());
    this.current = initialState(start, policy);
    this.said = beat(this.current, start.at, policy);
    this.beatDue = start.at;
  }

  get state(): State {
    return this.current;
  }

  /** What is decided by now; while one follows another, the more patient of the two. */
  get policy(): Policy {
    return this.policies.decidesBy;
  }

  /** The peer's protocol version where it is newer than ours: it may know things that we do not. */
  get peerVersion(): number | undefined {
    return this.newerVersion;
  }

  /** Ids of the accepted keys, oldest first, and the last word of a peer that is not silent. */
  keys(now: Instant): { readonly accepted: readonly number[]; readonly peer: KeyWord | undefined } {
    return { accepted: this.ring.map(({ id }) => id), peer: this.sessions.peerKeys(now) };
  }

  /**
   * From the next datagram on, both ways; no beat is lost. `deaf`: the ring stays as it is, because
   * the peer signs with a key that the new one lacks, and would not be heard any more.
   */
  useKeys(ring: KeyRing, now: Instant): "used" | "deaf" {
    const peer = this.sessions.peerKeys(now);
    if (peer !== undefined && findKey(ring, peer.signed) === undefined) return "deaf";
    this.ring = ring;
    this.encoder = new Encoder(this.options.protocol.pair, ring);
    return "used";
  }

  /**
   * From now on, without a beat missed or a suspicion on either machine, whichever is told first. Node,
   * peer and the number of paths stay what they are. `forgotten`: what the old configuration asked
   * and the new one does not.
   */
  usePolicy(policy: Policy, forgotten: readonly Forgotten[], now: Instant): void {
    const { host, start } = this.options;
    this.policies.replaceBy(policy, now);
    this.current = forget(this.current, forgotten, start, policy);
    host.useLease(this.policies.lease);
    this.followPolicy();
    this.sendBeats(false, now);
    if (this.current.role.kind === "hold") host.renew();
    this.handle({ kind: "woke" }, now);
  }

  /** When we sent the newest datagram that the peer is known to have heard on this path. */
  heardOfUsOn(path: number): Instant | undefined {
    return this.sessions.heardOfUsOn(path);
  }

  /** When `handleAlarm` wants to be called next. */
  pollAlarm(): Instant {
    return earliest(this.current.alarm, this.beatDue);
  }

  handleAlarm(now: Instant): void {
    if (this.isLate(now)) this.gaps.skip();
    this.handle({ kind: "woke" }, now);
    if (now >= this.beatDue) this.sendBeats(false, now);
    this.tellKept(now);
  }

  handleDatagram(path: number, datagram: Uint8Array, now: Instant): void {
    const record = this.paths[path];
    if (record === undefined) return;
    const message = decode(datagram, this.options.protocol.pair, this.ring);
    const verdict =
      message.kind === "dropped" ? message : this.sessions.hear(path, message.envelope, now);
    if (verdict.kind === "dropped") record.drop(verdict.reason);
    if (message.kind === "dropped" || verdict.kind !== "believed") return;
    record.hear(now);
    if (verdict.fresh || this.isLate(now)) this.gaps.skip();
    this.gaps.heard(path, now);
    this.newerVersion = message.version > 1 ? message.version : undefined;
    const { newest, heardOfUs } = verdict;
    this.handle({ kind: "beat-heard", path, beat: message.beat, newest, heardOfUs }, now);
    if (newest) this.kept.acknowledge(message);
    this.hearKept(message);
    this.tellKept(now);
    if (verdict.answer) this.sendBeats(false, now);
  }

  /** What a port reports from within a call waits for the turn to end. */
  handle(event: Event, now: Instant): void {
    this.queue.push(event);
    if (this.turning) return;
    this.turning = true;
    try {
      for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift())
        this.turn(next, now);
    } finally {
      this.turning = false;
    }
  }

  /** The loop did not come to what was due: sockets were not read in time either. */
  private isLate(now: Instant): boolean {
    return now > after(this.pollAlarm(), lateAfter);
  }

  private turn(event: Event, now: Instant): void {
    const { host } = this.options;
    if (event.kind === "kept-listed") this.kept.list(event.id, event.flows);
    const { state, effects } = step(this.current, event, now, this.policy);
    this.current = state;
    // The alarm was found by the old policy.
    if (this.followPolicy()) this.queue.push({ kind: "woke" });
    const saying = beat(state, now, this.policy);
    if (news(this.said, saying)) this.sendBeats(false, now);
    this.beatDue = earliest(this.beatDue, after(now, this.pace(now)));
    // Who is cut is told so from the address, which may be about to go.
    if (effects.some(({ kind }) => kind === "cut-kept")) host.cutKept();
    const wanted = wish(state);
    if (this.wished === undefined || !sameWish(wanted, this.wished)) {
      this.wished = wanted;
      host.reconcile(wanted);
    }
    for (const effect of effects) {
      if (effect.kind !== "cut-kept") this.perform(effect, now);
    }
  }

  private perform(effect: Exclude<Effect, { kind: "cut-kept" }>, now: Instant): void {
    const { host, steward } = this.options;
    if (effect.kind === "ask") this.sendBeats(true, now);
    else if (effect.kind === "announce") host.announce();
    else if (effect.kind === "probe") host.probe(effect.holder);
    else if (effect.kind === "probe-witness") host.probeWitness();
    else if (effect.kind === "renew") host.renew();
    else if (effect.kind === "probe-peer") host.probePeer();
    else if (effect.kind === "list-kept") host.listKept(effect.id);
    else steward.perform(effect);
  }

  private tellKept(now: Instant): void {
    for (const page of this.kept.due(this.current.handover, now)) this.sendPage(page, now);
  }

  private hearKept(message: Message): void {
    const flows = this.kept.hear(message, this.current.handover);
    if (flows !== undefined) this.options.host.placeKept(message.beat.handover.id, flows);
  }

  /** The whole public state, on every path. */
  private sendBeats(ask: boolean, now: Instant): void {
    const { random } = this.options;
    // The peer is told of a change first, and beats accordingly before anything is decided by it.
    const { interval, deadTime } = this.policies.promises;
    this.said = { ...beat(this.current, now, this.policy), interval, deadTime };
    this.rounds += 1;
    const keys = keyWord(this.ring, this.sessions.peerKeys(now), this.rounds);
    for (const path of this.paths.keys()) this.send(path, { ask, keys }, now);
    const spread = 0.75 + random() / 4;
    this.beatDue = after(now, times(this.pace(now), spread));
  }

  /** On one path after the other: a page that is lost with its path is told again on the next. */
  private sendPage(page: Page, now: Instant): void {
    this.rounds += 1;
    const keys = keyWord(this.ring, this.sessions.peerKeys(now), this.rounds);
    this.send(this.rounds % this.paths.length, { ask: false, keys, page }, now);
  }

  /** Each datagram has a number of its own. */
  private send(path: number, { ask, keys, page }: Saying, now: Instant): void {
    const record = this.paths[path];
    if (record === undefined) return;
    const kept = { ...this.kept.word(this.current.handover), page };
    const envelope = { ask, keys, path, kept, ...this.sessions.next(now) };
    this.options.transport.send(path, this.encoder.encode(envelope, this.said));
    record.sent += 1;
  }

  /**
   * At the interval of whoever has the shorter one: a peer that was not told of a longer one yet would be
   * right to ask whether we live.
   */
  private pace(now: Instant): Millis {
    const { peer } = this.current;
    const own = pace(this.current, now, this.policies.promises);
    if (peer.kind === "unheard") return own;
    return millis(Math.min(own, Math.max(peer.beat.interval, shortestInterval)));
  }

  /** Whether anything else is decided by from now on. */
  private followPolicy(): boolean {
    const changed = this.policies.follow(this.current);
    if (changed) {
      this.sessions.useInterval(this.policy.interval);
      this.options.host.useLease(this.policies.lease);
    }
    return changed;
  }
}

/** What a datagram says beside the public state. */
interface Saying {
  readonly ask: boolean;
  readonly keys: KeyWord;
  readonly page?: Page;
}

/** No configuration has a shorter one, whatever a beat says. */
const shortestInterval = millis(10);
