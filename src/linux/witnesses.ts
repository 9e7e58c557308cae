import { readFile } from "node:fs/promises";

import type { Report } from "../agent/ports.ts";
import { EchoSocket } from "./echo-socket.ts";
import { defaultGateways } from "./gateways.ts";
import { type IpAddress, isLinkLocal, sameNetwork } from "./ip-address.ts";
import type { Neighbourhood } from "./neighbourhood.ts";
import type { KernelAddress } from "./netlink.ts";
import { explain } from "./netlink-socket.ts";
import type { Troubles } from "./troubles.ts";

export interface WitnessesOptions {
  /** Where they are asked. */
  readonly interface: string;
  /** Where the addresses are. */
  readonly serviceInterface: string;
  /** `auto`: the default gateways of the interface. An empty list: none. */
  readonly witness: "auto" | readonly IpAddress[];
  readonly neighbourhood: Neighbourhood;
  readonly report: Report;
  readonly troubles: Troubles;
}

/**
 * A machine that boots has no gateway yet; one that has none at all reads a page of /proc a second.
 */
const refreshMillis = { known: 30_000, unknown: 1000 } as const;

/**
 * Addresses that answer when this machine is really connected. On the link they are asked by ARP or
 * neighbour discovery, which no firewall answers for them and few forbid; beyond it by echo.
 */
export class Witnesses {
  readonly #options: WitnessesOptions;
  #witness: WitnessesOptions["witness"];
  readonly #echo = { 4: new EchoSocket(4), 6: new EchoSocket(6) };
  #gateways: readonly IpAddress[] = [];
  /** Those that were asked and have not answered since. */
  readonly #awaited = new Set<string>();
  #routing = false;
  #refresh: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: WitnessesOptions) {
    this.#options = options;
    this.#witness = options.witness;
  }

  /** From the next question on; what the others still say is not heard any more. */
  use(witness: WitnessesOptions["witness"]): void {
    for (const { text } of this.addresses) this.#options.troubles.mended(`witness ${text}`);
    this.#witness = witness;
    this.#awaited.clear();
    this.#echo[4].close();
    this.#echo[6].close();
    this.refresh();
  }

  /** The addresses asked now; none is known where there is no gateway. */
  get addresses(): readonly IpAddress[] {
    return this.#witness === "auto" ? this.#gateways : this.#witness;
  }

  /** The machine forwards IPv6 on the service interface. */
  get routing(): boolean {
    return this.#routing;
  }

  /**
   * Reads the routes again, now and then by itself: asked for at start and when the link changed.
   */
  refresh(): void {
    clearTimeout(this.#refresh);
    void this.#read().then(() => this.#again());
  }

  #again(): void {
    clearTimeout(this.#refresh);
    const unknown = this.#witness === "auto" && this.#gateways.length === 0;
    const wait = unknown ? refreshMillis.unknown : refreshMillis.known;
    if (!this.#stopped) this.#refresh = setTimeout(() => this.refresh(), wait);
  }

  /** An answer may still come. Echoes do not tell whose they are: who is asked by echo is awaited on. */
  get awaited(): boolean {
    return this.#awaited.size > 0;
  }

  /** Whether the neighbour that answered is a witness that was asked, and had not answered yet. */
  heard(neighbour: IpAddress): boolean {
    return this.#awaited.delete(neighbour.text);
  }

  /** What is still to be read answers an older question, and is no evidence of now. */
  forget(): void {
    this.#awaited.clear();
    this.#echo[4].answers();
    this.#echo[6].answers();
  }

  /** `own`: this machine's addresses on the interface, the pair's left out. */
  ask(own: readonly KernelAddress[]): void {
    const { neighbourhood } = this.#options;
    for (const address of this.addresses) {
      this.#awaited.add(address.text);
      const onLink = this.#witness === "auto" || isLinkLocal(address) || isOnLink(address, own);
      if (onLink) neighbourhood.ask(address, sourceFor(address, own) ?? "probe");
      else this.#ping(address);
    }
  }

  /** Reads the echo sockets and reports an answer. */
  listen(): void {
    const answered = this.#echo[4].answers() + this.#echo[6].answers();
    if (answered > 0) this.#options.report({ kind: "witness-answered", mac: undefined });
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#refresh);
    this.#echo[4].close();
    this.#echo[6].close();
  }

  #ping(address: IpAddress): void {
    const { troubles } = this.#options;
    const topic = `witness ${address.text}`;
    const result = this.#echo[address.family].ask(this.#options.interface, address);
    if (result >= 0) {
      troubles.mended(topic);
      return;
    }
    // The interface may have been recreated, and the socket be bound to the one that is gone.
    this.#echo[address.family].close();
    troubles.say(topic, `Cannot ask the witness ${address.text}: ${explain(result)}`);
  }

  async #read(): Promise<void> {
    if (this.#witness === "auto") {
      // A route that vanishes says nothing of the gateway, which is asked on: it is on the link.
      const found = await defaultGateways(this.#options.interface);
      if (found.length > 0) this.#gateways = found;
    }
    try {
      const path = `/proc/sys/net/ipv6/conf/${this.#options.serviceInterface}/forwarding`;
      this.#routing = (await readFile(path, "latin1")).trim() !== "0";
    } catch {
      // No IPv6 on this interface, or no interface: nothing is announced there either.
      this.#routing = false;
    }
  }
}

const isOnLink = (address: IpAddress, own: readonly KernelAddress[]): boolean =>
  own.some((entry) => sameNetwork(entry.address, address, entry.prefixLength));

/** From the same network where there is one, so that the witness has a route back on this link. */
const sourceFor = (witness: IpAddress, own: readonly KernelAddress[]): IpAddress | undefined => {
  const candidates = own.filter(({ address }) => address.family === witness.family);
  const near = candidates.find((entry) => sameNetwork(entry.address, witness, entry.prefixLength));
  return (near ?? candidates[0])?.address;
};
