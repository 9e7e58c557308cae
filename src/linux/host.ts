import assert from "node:assert/strict";

import type { Host, Report } from "../agent/ports.ts";
import type { HandoverId, MacAddress } from "../core/beat.ts";
import type { Flow } from "../core/diversion.ts";
import type { Wish } from "../core/effect.ts";
import { elapsed, type Instant } from "../core/time.ts";
import { AddressKeeper } from "./address-keeper.ts";
import { Announcer, type Speaker } from "./announcer.ts";
import { ConnectionKeeper } from "./connection-keeper.ts";
import { Door } from "./door.ts";
import { type IpAddress, parseAddress } from "./ip-address.ts";
import { tableName } from "./mute.ts";
import { Neighbourhood } from "./neighbourhood.ts";
import { entryOf, ownAddresses, type Picture, type Scene } from "./picture.ts";
import { Troubles } from "./troubles.ts";
import { Witnesses } from "./witnesses.ts";

export interface LinuxHostOptions {
  /** Names the mute's table, `failover_www`. */
  readonly pair: string;
  readonly interface: string;
  /** What moves, together: IPv4 and IPv6 addresses without prefix length. */
  readonly addresses: readonly string[];
  /** Whole seconds, at least 2: the kernel looks once a second. */
  readonly leaseSeconds: number;
  /** The peer's own addresses on the service network. */
  readonly peers: readonly string[];
  /** `auto`: the default gateways of the interface; an empty list: none. */
  readonly witness: "auto" | readonly string[];
  /** Announcements: frames a second at most. */
  readonly announceRate: number;
  readonly report: Report;
  readonly now: () => Instant;
  /**
   * Runs what came by another way than the sockets of the heart, after these were read if the loop
   * was late: `AlarmClock.afterSockets`. What the host sees, it sees and reports in one go from
   * there.
   */
  readonly afterSockets: (act: () => void) => void;
  /** Every command as an administrator would type it; renewals, several a second, are left out. */
  readonly onCommand?: (line: string) => void;
  readonly onTrouble?: (sentence: string) => void;
  /** What an administrator should read of a handover: who is left, who is cut. */
  readonly onNotice?: (sentence: string) => void;
  /** A round of announcements is out. */
  readonly onAnnounced?: (frames: number) => void;
}

/**
 * How soon to look for answers: half of the time since the last question, from every millisecond,
 * where an answer is a matter of microseconds, to rest, where only strangers speak unasked. Who may
 * answer for the address is never known; when every witness has, nobody is waited for any more.
 */
const pollMillis = { soonest: 1, atRest: 250 } as const;

/** What the other machine's nft takes to hand back no more, on a busy machine. */
const handedBackMillis = 250;

/**
 * This machine's kernel, as far as the address is concerned: the address keeper moves what is
 * wished, the neighbourhood speaks and hears. It decides nothing, and what it cannot do it reports.
 */
export class LinuxHost implements Host {
  readonly #options: LinuxHostOptions;
  readonly #scene: Scene;
  readonly #keeper: AddressKeeper;
  readonly #neighbourhood: Neighbourhood;
  readonly #witnesses: Witnesses;
  readonly #announcer: Announcer;
  readonly #door: Door;
  readonly #connections: ConnectionKeeper;
  #askedAt: Instant;
  /** Anybody may answer, and at the start speak. */
  #probing = true;
  #timer: NodeJS.Timeout | undefined;
  #wish: Wish | undefined;
  #cutting = false;
  #cutTimer: NodeJS.Timeout | undefined;

  constructor(options: LinuxHostOptions) {
    assert(Number.isInteger(options.leaseSeconds) && options.leaseSeconds >= 2);
    const { report, now, afterSockets, onCommand = ignore, onTrouble = ignore } = options;
    const { interface: device, leaseSeconds, witness } = options;
    const troubles = new Troubles(onTrouble);
    const addresses = options.addresses.map(parseAddress);
    const common = { addresses, report, now, troubles };
    const reportLater: Report = (event) => afterSockets(() => report(event));
    this.#options = options;
    this.#askedAt = now();
    this.#scene = {
      interface: device,
      silentInterface: "lo",
      addresses,
      muteTable: tableName(options.pair),
    };
    this.#keeper = new AddressKeeper({
      ...common,
      scene: this.#scene,
      leaseSeconds,
      afterSockets,
      onCommand,
      onTrouble,
      onPicture: (picture) => this.#moveTo(picture),
    });
    this.#door = new Door({
      table: tableName(options.pair),
      addresses,
      report: reportLater,
      onCommand,
      onTrouble,
    });
    this.#connections = new ConnectionKeeper({
      table: tableName(options.pair),
      device,
      ownMac: () => this.mac,
      addresses,
      report: reportLater,
      correct: (neighbour, holder) => this.#neighbourhood.correct(neighbour, holder),
      onCommand,
      onTrouble,
      onNotice: options.onNotice ?? onTrouble,
    });
    this.#neighbourhood = new Neighbourhood({
      ...common,
      peers: options.peers.map(parseAddress),
      isWitness: (address) => this.#witnesses.heard(address),
    });
    this.#witnesses = new Witnesses({
      ...common,
      interface: device,
      neighbourhood: this.#neighbourhood,
      witness: witness === "auto" ? witness : witness.map(parseAddress),
    });
    this.#announcer = new Announcer({
      addresses,
      rate: options.announceRate,
      speakerOf: (address) => this.#speakerOf(address),
      send: (family, frame) => this.#neighbourhood.send(family, frame),
      ...(options.onAnnounced && { onAnnounced: options.onAnnounced }),
    });
  }

  /** Begins to look and to hear; the first reports come from within this call. */
  start(): void {
    this.#keeper.start();
    this.#poll();
  }

  reconcile(wish: Wish): void {
    this.#wish = wish;
    if (this.#cutting && wish.address === "absent") return;
    this.#door.reconcile(wish.door);
    this.#connections.reconcile(wish);
    this.#keeper.reconcile(wish);
  }

  renew(): void {
    this.#keeper.renew();
  }

  announce(): void {
    this.#announcer.announce();
  }

  probe(holder: MacAddress | undefined): void {
    this.#neighbourhood.probe(holder);
    this.#probing = true;
    this.#expectAnswers();
  }

  probeWitness(): void {
    const { picture } = this.#keeper;
    if (picture === undefined) return;
    this.#witnesses.forget();
    this.read();
    this.#witnesses.ask(ownAddresses(this.#scene, picture));
    this.#expectAnswers();
  }

  probePeer(): void {
    this.#neighbourhood.probePeer();
    this.#probing = true;
    this.#expectAnswers();
  }

  listKept(id: HandoverId): void {
    void this.#connections.listKept(id);
  }

  placeKept(id: HandoverId, flows: readonly Flow[]): void {
    this.#connections.placeKept(id, flows);
  }

  resetDiverted(): void {
    this.#connections.resetDiverted();
  }

  /**
   * Meanwhile, and until the other machine hands nothing back any more, the address stays here: what its
   * clients send would find nobody, and they would wait for their own patience to end.
   */
  cutKept(): void {
    this.#cutting = true;
    void this.#connections.cutKept().finally(() => {
      this.#cutTimer = setTimeout(() => {
        this.#cutting = false;
        if (this.#wish !== undefined) this.reconcile(this.#wish);
      }, handedBackMillis);
    });
  }

  /** Reads everything that was heard, now: `AlarmClock` asks for it before a late alarm. */
  read(): void {
    this.#neighbourhood.read();
    this.#witnesses.listen();
  }

  /** The witnesses asked now; empty where `auto` found no gateway. */
  get witnesses(): readonly string[] {
    return this.#witnesses.addresses.map(({ text }) => text);
  }

  /** The MAC of the service interface; empty while there is none. */
  get mac(): MacAddress {
    return this.#keeper.picture?.link?.mac ?? "";
  }

  /**
   * Leaves the kernel as it is: what is leased there goes by its lease, or is adopted by the next
   * agent.
   */
  stop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#cutTimer);
    this.#door.stop();
    this.#connections.stop();
    this.#keeper.stop();
    this.#announcer.stop();
    this.#witnesses.stop();
    this.#neighbourhood.close();
  }

  #moveTo({ link }: Picture): void {
    const before = this.#keeper.picture?.link;
    const place =
      link && link.mac !== "" ? { interfaceIndex: link.index, mac: link.mac } : undefined;
    this.#neighbourhood.use(place);
    if (before === undefined || before.carrier !== link?.carrier) this.#witnesses.refresh();
  }

  #speakerOf(address: IpAddress): Speaker | undefined {
    const { picture } = this.#keeper;
    const there = picture !== undefined && entryOf(address, picture.service) !== undefined;
    // A round that goes on after a pause must not call the neighbours back from another holder.
    if (!there || !this.#keeper.leaseRuns || this.mac === "") return undefined;
    return { mac: this.mac, router: this.#witnesses.routing };
  }

  #expectAnswers(): void {
    this.#askedAt = this.#options.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#poll(), pollMillis.soonest);
  }

  #poll(): void {
    // What is heard may bring the next question, and with it a timer of its own.
    this.#options.afterSockets(() => this.read());
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#poll(), this.#patience());
  }

  #patience(): number {
    const half = Math.floor(elapsed(this.#askedAt, this.#options.now()) / 2);
    if (half >= pollMillis.atRest) this.#probing = false;
    if (!this.#probing && !this.#witnesses.awaited) return pollMillis.atRest;
    return Math.min(pollMillis.atRest, Math.max(pollMillis.soonest, half));
  }
}

const ignore = (): void => {};
