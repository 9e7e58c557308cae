import assert from "node:assert/strict";

import type { Host, Report } from "../agent/ports.ts";
import type { HandoverId, MacAddress } from "../core/beat.ts";
import type { Flow } from "../core/diversion.ts";
import type { Wish } from "../core/effect.ts";
import { elapsed, type Instant, type Millis } from "../core/time.ts";
import { AddressKeeper } from "./address-keeper.ts";
import { Announcer, type Speaker } from "./announcer.ts";
import { ConnectionKeeper } from "./connection-keeper.ts";
import { Door } from "./door.ts";
import type { HostSettings, LinuxHostOptions } from "./host-options.ts";
import { type IpAddress, parseAddress } from "./ip-address.ts";
import { tableName } from "./mute.ts";
import { entryOf, ownAddresses, type Picture, presenceOf } from "./picture.ts";
import { Routes } from "./routes.ts";
import { plainCarrier, ServiceLink } from "./service-link.ts";
import { Surroundings } from "./surroundings.ts";
import { Troubles } from "./troubles.ts";

/**
 * How soon to look for answers: half of the time since the last question, from every millisecond,
 * where an answer is a matter of microseconds, to rest, where only strangers speak unasked, and every
 * beat of the heart looks as well. Who may answer for the address is never known; when every witness
 * has, nobody is waited for any more.
 */
const pollMillis = { soonest: 1, latest: 250, atRest: 1000 } as const;

/** What the other machine's nft takes to hand back no more, on a busy machine. */
const handedBackMillis = 250;

/**
 * This machine's kernel, as far as the address is concerned: the address keeper moves what is
 * wished, the surroundings speak and are heard. It decides nothing, and what it cannot do it reports.
 */
export class LinuxHost implements Host {
  readonly #options: LinuxHostOptions;
  readonly #keeper: AddressKeeper;
  readonly #surroundings: Surroundings;
  /** Undefined where only addresses move. */
  readonly #link: ServiceLink | undefined;
  readonly #routes: Routes;
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
    const { report, now, afterSockets, onCommand = ignore } = options;
    const { interface: device, leaseSeconds } = options;
    const troubles = new Troubles(options.onTrouble ?? ignore);
    const addresses = options.addresses.map(parseAddress);
    const common = { addresses, report, now, troubles };
    const reportLater: Report = (event) => afterSockets(() => report(event));
    this.#options = options;
    this.#askedAt = now();
    this.#keeper = new AddressKeeper({
      ...common,
      scene: {
        interface: device,
        silentInterface: "lo",
        addresses,
        former: [],
        muteTable: tableName(options.pair),
      },
      leaseSeconds,
      carrierOf: (link) => this.#link?.carrierOf(link) ?? plainCarrier(link),
      afterSockets,
      onCommand,
      onPicture: (picture) => this.#see(picture),
    });
    const { batch } = this.#keeper;
    if (options.heartbeatInterface !== undefined) {
      const scene = () => this.#keeper.scene;
      this.#link = new ServiceLink({ interface: device, scene, batch, now, troubles });
    }
    this.#routes = new Routes({ routes: options.routes, batch, now, troubles });
    this.#door = new Door({
      table: tableName(options.pair),
      addresses,
      report: reportLater,
      onCommand,
      troubles,
    });
    this.#connections = new ConnectionKeeper({
      table: tableName(options.pair),
      device,
      ownMac: () => this.mac,
      addresses,
      report: reportLater,
      correct: (neighbour, holder) => this.#surroundings.correct(neighbour, holder),
      onCommand,
      troubles,
      onNotice: options.onNotice ?? ignore,
    });
    this.#surroundings = new Surroundings({
      ...common,
      interface: device,
      heartbeatInterface: options.heartbeatInterface,
      peers: options.peers.map(parseAddress),
      witness: options.witness,
    });
    this.#announcer = new Announcer({
      addresses,
      rate: options.announceRate,
      speakerOf: (address) => this.#speakerOf(address),
      send: (family, frame) => this.#surroundings.send(family, frame),
      ...(options.onAnnounced && { onAnnounced: options.onAnnounced }),
    });
  }

  /** Begins to look and to hear; the first reports come from within this call. */
  start(): void {
    this.#keeper.start();
    this.#routes.start();
    this.#poll();
  }

  /** From now on; what is not named stays as it is. */
  use({ addresses, witness, announceRate }: Partial<HostSettings>): void {
    if (announceRate !== undefined) this.#announcer.useRate(announceRate);
    if (witness !== undefined) this.#surroundings.useWitness(witness);
    if (addresses !== undefined) this.#useAddresses(addresses.map(parseAddress));
  }

  useLease(lease: Millis): void {
    this.#keeper.useLease(lease);
  }

  reconcile(wish: Wish): void {
    const stays = wish.address === "absent" && this.#wish?.address === "absent";
    this.#wish = wish;
    if (this.#cutting && stays) return;
    this.#link?.reconcile(wish.link, this.#keeper.picture);
    this.#routes.reconcile(this.#needsRoutes(wish));
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
    this.#surroundings.probe(holder);
    this.#probing = true;
    this.#expectAnswers();
  }

  probeWitness(): void {
    const { picture } = this.#keeper;
    if (picture === undefined) return;
    this.#surroundings.probeWitness(ownAddresses(this.#keeper.scene, picture));
    this.#expectAnswers();
  }

  probePeer(): void {
    this.#surroundings.probePeer();
    this.#probing = true;
    this.#expectAnswers();
  }

  listKept(id: HandoverId): void {
    void this.#connections.listKept(id);
  }

  placeKept(id: HandoverId, flows: readonly Flow[]): void {
    this.#connections.placeKept(id, flows);
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

  /** Reads everything that was heard, now. */
  read(): void {
    this.#surroundings.read();
  }

  /** The witnesses asked now; empty where `auto` found no gateway. */
  get witnesses(): readonly string[] {
    return this.#surroundings.witnesses.map(({ text }) => text);
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
    this.#routes.stop();
    this.#surroundings.stop();
  }

  /** Where they are held, new ones are added and announced, and those named no more are removed. */
  #useAddresses(addresses: readonly IpAddress[]): void {
    this.#door.useAddresses(addresses);
    this.#connections.useAddresses(addresses);
    this.#surroundings.useAddresses(addresses);
    this.#announcer.useAddresses(addresses);
    // Last: it looks at the kernel, and reports.
    this.#keeper.useAddresses(addresses);
  }

  #see(picture: Picture): void {
    const { scene, picture: before } = this.#keeper;
    const there = presenceOf(scene.addresses, picture.service) === "all";
    this.#surroundings.moveTo(before?.link, picture.link);
    this.#link?.look(picture);
    const silent = presenceOf(scene.addresses, picture.silent) === "all";
    this.#routes.look(picture.link?.up === true && (there || silent));
  }

  /** Connections that are served silently are answered by the same routes. */
  #needsRoutes({ address, silent }: Wish): boolean {
    const serves = silent === "present" && this.#options.heartbeatInterface === undefined;
    return address === "present" || serves;
  }

  #speakerOf(address: IpAddress): Speaker | undefined {
    const { picture } = this.#keeper;
    const there = picture !== undefined && entryOf(address, picture.service) !== undefined;
    // A round that goes on after a pause must not call the neighbours back from another holder.
    if (!there || !this.#keeper.leaseRuns || this.mac === "") return undefined;
    return { mac: this.mac, router: this.#surroundings.routing };
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
    if (half >= pollMillis.latest) this.#probing = false;
    if (!this.#probing && !this.#surroundings.awaited) return pollMillis.atRest;
    return Math.min(pollMillis.latest, Math.max(pollMillis.soonest, half));
  }
}

const ignore = (): void => {};
