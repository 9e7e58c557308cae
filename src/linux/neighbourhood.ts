import type { Report } from "../agent/ports.ts";
import type { MacAddress } from "../core/beat.ts";
import { elapsed, type Instant, millis } from "../core/time.ts";
import {
  arpRequest,
  broadcastMac,
  correction,
  type NeighbourMessage,
  neighbourSolicitation,
  parseFrame,
} from "./frames.ts";
import type { IpAddress } from "./ip-address.ts";
import { explain } from "./netlink-socket.ts";
import { PacketSocket } from "./packet-socket.ts";
import type { Troubles } from "./troubles.ts";

export interface NeighbourhoodOptions {
  readonly network: "service" | "heartbeat";
  readonly addresses: readonly IpAddress[];
  /** The peer's own, on the service network. */
  readonly peers: readonly IpAddress[];
  /** An address has answered: whether it is a witness's. */
  readonly isWitness: (address: IpAddress) => boolean;
  readonly report: Report;
  readonly now: () => Instant;
  readonly troubles: Troubles;
}

/** Where frames are sent and heard. */
export interface Place {
  readonly interfaceIndex: number;
  readonly mac: MacAddress;
}

/**
 * Of a thousand addresses, so many are asked for at once: they move together, and some switches
 * shut a port at fifteen ARP frames a second. The next call goes on with the next ones.
 */
const probedAtOnce = 4;

/** What one look takes from each socket: a storm is thinned rather than the heart stopped. */
const framesAtOnce = 64;

/** More machines than this do not claim one address by mistake. */
const macsAtOnce = 8;
/** Of a pair with a thousand addresses: the rest is announced to everybody every 30 s. */
const correctedAtOnce = 16;

const heardEvery = millis(100);

/** Speaks and hears ARP and neighbour discovery on the service interface. Neither waits. */
export class Neighbourhood {
  readonly #options: NeighbourhoodOptions;
  #addresses: readonly IpAddress[];
  #ours: ReadonlySet<string>;
  readonly #peers: ReadonlySet<string>;
  readonly #arp = new PacketSocket("arp");
  readonly #discovery = new PacketSocket("neighbour-discovery");
  #place: Place | undefined;
  #nextProbed = 0;
  #heardAt: Instant | undefined;

  constructor(options: NeighbourhoodOptions) {
    this.#options = options;
    this.#addresses = options.addresses;
    this.#ours = new Set(options.addresses.map(({ text }) => text));
    this.#peers = new Set(options.peers.map(({ text }) => text));
  }

  /** What is asked for, and whose owners are reported, from now on. */
  useAddresses(addresses: readonly IpAddress[]): void {
    this.#addresses = addresses;
    this.#ours = new Set(addresses.map(({ text }) => text));
    this.#nextProbed = 0;
  }

  /** Asks the peer for its own addresses, which every kernel answers that lives. */
  probePeer(): void {
    for (const peer of this.#options.peers) this.ask(peer, "probe");
  }

  /** Tells one neighbour where the addresses are. */
  correct(neighbour: MacAddress, holder: MacAddress): void {
    const place = this.#place;
    if (place === undefined) return;
    for (const address of this.#addresses.slice(0, correctedAtOnce))
      this.send(address.family, correction(place.mac, holder, address, neighbour));
  }

  /** Moves to where the interface is now; away from one that is gone. */
  use(place: Place | undefined): void {
    this.#place = place;
    if (place === undefined) {
      this.close();
      return;
    }
    const opened = [this.#arp, this.#discovery].map((socket) => socket.open(place.interfaceIndex));
    const [failure] = opened.filter((result) => result < 0);
    const { network, troubles } = this.#options;
    if (failure === undefined) troubles.mended(`hearing ${network}`);
    else
      troubles.say(`hearing ${network}`, `Cannot hear the ${network} network: ${explain(failure)}`);
  }

  /** The link is up: frames that were refused before say nothing any more. */
  forgive(): void {
    this.#options.troubles.mended(`send ${this.#options.network}`);
  }

  /** Asks who has the addresses, everybody and the one that should know. Changes nobody's table. */
  probe(holder: MacAddress | undefined): void {
    const place = this.#place;
    if (place === undefined) return;
    for (const address of this.#nextAddresses()) {
      if (address.family === 4) {
        this.send(4, arpRequest(place.mac, "probe", address));
        if (holder) this.send(4, arpRequest(place.mac, "probe", address, holder));
      } else {
        this.send(6, neighbourSolicitation(place.mac, "probe", address));
        if (holder) this.send(6, neighbourSolicitation(place.mac, "probe", address, holder));
      }
    }
  }

  /**
   * Asks a neighbour from our own address, where we have one: it answers us and knows us
   * afterwards.
   */
  ask(neighbour: IpAddress, own: IpAddress | "probe"): void {
    const place = this.#place;
    if (place === undefined) return;
    if (neighbour.family === 4) this.send(4, arpRequest(place.mac, own, neighbour, broadcastMac));
    else this.send(6, neighbourSolicitation(place.mac, own, neighbour));
  }

  /** An interface without carrier refuses frames: one sentence until it takes them again. */
  send(family: 4 | 6, frame: Uint8Array): void {
    const result = (family === 4 ? this.#arp : this.#discovery).send(frame);
    const { network, troubles } = this.#options;
    if (result >= 0) {
      troubles.mended(`send ${network}`);
      return;
    }
    troubles.say(`send ${network}`, `Cannot send on the ${network} network: ${explain(result)}`);
  }

  /** Reads what waits in the sockets and reports it. */
  read(): void {
    const heard = new Heard();
    const take = (frame: Uint8Array): void => this.#judge(parseFrame(frame), heard);
    const count = this.#arp.read(framesAtOnce, take) + this.#discovery.read(framesAtOnce, take);
    if (count === 0) return;
    const { report, now } = this.#options;
    // Their owners first: "something was heard" must not be the last word where a claim was.
    for (const mac of heard.owners) report({ kind: "neighbour-answered", mac });
    if (heard.peer) report({ kind: "peer-kernel-answered" });
    for (const mac of heard.witnesses) report({ kind: "witness-answered", mac });
    if (!heard.anything || !this.#isTimeToSay(now())) return;
    report({ kind: "network-heard" });
  }

  /** Nobody can be heard or told any more, and that is no trouble. */
  close(): void {
    this.#arp.close();
    this.#discovery.close();
    this.#options.troubles.mended(`hearing ${this.#options.network}`);
    this.forgive();
  }

  #judge(message: NeighbourMessage | undefined, heard: Heard): void {
    // A bridge may bring our own frames back to us; they say nothing about anybody else.
    if (message === undefined || message.from === this.#place?.mac) return;
    heard.anything = true;
    const { isWitness } = this.#options;
    switch (message.kind) {
      case "arp-request":
        if (this.#ours.has(message.sender.text)) heard.owner(message.from);
        return;
      case "arp-reply":
        if (this.#ours.has(message.sender.text)) heard.owner(message.from);
        if (this.#peers.has(message.sender.text)) heard.peer = true;
        if (isWitness(message.sender)) heard.witness(message.from);
        return;
      case "advertisement":
        if (this.#ours.has(message.target.text)) heard.owner(message.from);
        if (this.#peers.has(message.target.text)) heard.peer = true;
        if (message.solicited && isWitness(message.target)) heard.witness(message.from);
        return;
      case "solicitation":
        return;
    }
  }

  #isTimeToSay(at: Instant): boolean {
    if (this.#heardAt !== undefined && elapsed(this.#heardAt, at) < heardEvery) return false;
    this.#heardAt = at;
    return true;
  }

  #nextAddresses(): readonly IpAddress[] {
    const addresses = this.#addresses;
    if (addresses.length <= probedAtOnce) return addresses;
    const first = this.#nextProbed;
    this.#nextProbed = (first + probedAtOnce) % addresses.length;
    return [...addresses, ...addresses].slice(first, first + probedAtOnce);
  }
}

/** What one look at the sockets brought, each thing once, so that a storm is one event. */
class Heard {
  readonly owners = new Set<MacAddress>();
  readonly witnesses = new Set<MacAddress>();
  anything = false;
  peer = false;

  owner(mac: MacAddress): void {
    if (this.owners.size < macsAtOnce) this.owners.add(mac);
  }

  witness(mac: MacAddress): void {
    if (this.witnesses.size < macsAtOnce) this.witnesses.add(mac);
  }
}
