import type { Report } from "../agent/ports.ts";
import type { MacAddress } from "../core/beat.ts";
import type { Instant } from "../core/time.ts";
import type { HostSettings } from "./host-options.ts";
import { type IpAddress, parseAddress } from "./ip-address.ts";
import { Neighbourhood } from "./neighbourhood.ts";
import type { KernelAddress, KernelLink } from "./netlink.ts";
import { NetlinkSocket } from "./netlink-socket.ts";
import type { Troubles } from "./troubles.ts";
import { Witnesses } from "./witnesses.ts";

export interface SurroundingsOptions {
  /** Where the addresses are. */
  readonly interface: string;
  /** Where the machines hear each other, if that is another one. */
  readonly heartbeatInterface: string | undefined;
  readonly addresses: readonly IpAddress[];
  /** The peer's own. */
  readonly peers: readonly IpAddress[];
  readonly witness: HostSettings["witness"];
  readonly report: Report;
  readonly now: () => Instant;
  readonly troubles: Troubles;
}

/**
 * Who is around: the owners of the addresses on the service network, the peer's kernel and the witnesses on
 * the network where the machines hear each other. Mostly the two are one.
 */
export class Surroundings {
  readonly #service: Neighbourhood;
  readonly #heartbeat: Neighbourhood;
  readonly #heartbeatName: string | undefined;
  #heartbeatCarrier: boolean | undefined;
  readonly #witnesses: Witnesses;
  readonly #route: NetlinkSocket | undefined;

  constructor(options: SurroundingsOptions) {
    const { heartbeatInterface: heartbeat, peers, witness, ...common } = options;
    const isWitness = (address: IpAddress): boolean => this.#witnesses.heard(address);
    this.#heartbeatName = heartbeat;
    this.#service = new Neighbourhood({
      ...common,
      network: "service",
      peers: heartbeat === undefined ? peers : [],
      isWitness,
    });
    this.#heartbeat =
      heartbeat === undefined
        ? this.#service
        : new Neighbourhood({ ...common, network: "heartbeat", addresses: [], peers, isWitness });
    this.#route = heartbeat === undefined ? undefined : new NetlinkSocket("route");
    this.#witnesses = new Witnesses({
      interface: heartbeat ?? options.interface,
      serviceInterface: options.interface,
      neighbourhood: this.#heartbeat,
      witness: parseWitness(witness),
      report: options.report,
      troubles: options.troubles,
    });
  }

  /** The service interface as it was and as it is. */
  moveTo(before: KernelLink | undefined, link: KernelLink | undefined): void {
    // One that is down when it is free has nobody around, and that is no trouble.
    const there = link && link.mac !== "" && (link.up || this.#heartbeatName === undefined);
    this.#service.use(there ? { interfaceIndex: link.index, mac: link.mac } : undefined);
    this.#lookAtHeartbeat();
    if (before !== undefined && before.carrier === link?.carrier) return;
    if (link?.carrier === true) this.#service.forgive();
    this.#witnesses.refresh();
  }

  probe(holder: MacAddress | undefined): void {
    this.#service.probe(holder);
  }

  probePeer(): void {
    this.#heartbeat.probePeer();
  }

  /** `own`: this machine's addresses on the service interface. */
  probeWitness(own: readonly KernelAddress[]): void {
    this.#witnesses.forget();
    this.read();
    this.#witnesses.ask(this.#lookAtHeartbeat() ?? own);
  }

  /** Tells one neighbour where the addresses are. */
  correct(neighbour: MacAddress, holder: MacAddress): void {
    this.#service.correct(neighbour, holder);
  }

  send(family: 4 | 6, frame: Uint8Array): void {
    this.#service.send(family, frame);
  }

  /** Reads what waits in the sockets and reports it. */
  read(): void {
    this.#service.read();
    if (this.#heartbeat !== this.#service) this.#heartbeat.read();
    this.#witnesses.listen();
  }

  useAddresses(addresses: readonly IpAddress[]): void {
    this.#service.useAddresses(addresses);
  }

  useWitness(witness: HostSettings["witness"]): void {
    this.#witnesses.use(parseWitness(witness));
  }

  /** Those asked now; empty where `auto` found no gateway. */
  get witnesses(): readonly IpAddress[] {
    return this.#witnesses.addresses;
  }

  /** A witness that was asked has not answered yet. */
  get awaited(): boolean {
    return this.#witnesses.awaited;
  }

  /** The machine forwards IPv6 on the service interface. */
  get routing(): boolean {
    return this.#witnesses.routing;
  }

  stop(): void {
    this.#witnesses.stop();
    this.#service.close();
    this.#heartbeat.close();
    this.#route?.close();
  }

  /** Moves to where that interface is now; its addresses, where it is another than the service's. */
  #lookAtHeartbeat(): readonly KernelAddress[] | undefined {
    if (this.#heartbeatName === undefined || this.#route === undefined) return undefined;
    const link = this.#route.link(this.#heartbeatName);
    if (link?.carrier === true && this.#heartbeatCarrier === false) this.#heartbeat.forgive();
    this.#heartbeatCarrier = link?.carrier;
    if (link === undefined || link.mac === "") {
      this.#heartbeat.use(undefined);
      return [];
    }
    this.#heartbeat.use({ interfaceIndex: link.index, mac: link.mac });
    const addresses = this.#route.addresses(link.index);
    return typeof addresses === "string" ? [] : addresses;
  }
}

const parseWitness = (witness: HostSettings["witness"]): "auto" | readonly IpAddress[] =>
  witness === "auto" ? witness : witness.map(parseAddress);
