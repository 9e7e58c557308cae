import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import type { Host } from "../../src/agent/ports.ts";
import type { Event, Presence } from "../../src/core/event.ts";
import type { HostHarness } from "./host-contract.ts";
import type { DriverOptions, DriverOrder, DriverWord } from "./host-driver.ts";
import { type Child, eventually, net, openPair, type Pair, wait } from "./namespace.ts";

/** The Linux host, run by a driver in a network namespace, and the world around it. */
export class LinuxHarness implements HostHarness {
  readonly mac = net.hereMac;
  readonly neighbourMac = net.thereMac;
  readonly leaseMillis = 2000;
  readonly events: Event[] = [];
  readonly commands: string[] = [];
  readonly troubles: string[] = [];
  /** The places of those that are over. */
  readonly mended: string[] = [];
  /** Frames of each round of announcements that is out. */
  readonly rounds: number[] = [];
  readonly pair: Pair;
  readonly driver: Child;
  readonly #addresses: readonly string[];
  readonly #driverGone: Promise<void>;

  private constructor(pair: Pair, options: DriverOptions) {
    this.pair = pair;
    this.#addresses = options.addresses;
    const driver = fileURLToPath(new URL("./host-driver.ts", import.meta.url));
    this.driver = pair.here.spawn(
      process.execPath,
      "--import",
      "tsx",
      driver,
      JSON.stringify(options),
    );
    this.driver.stdin.on("error", () => {});
    this.#driverGone = new Promise((resolve) => this.driver.once("exit", resolve));
    createInterface({ input: this.driver.stdout }).on("line", (line) => {
      this.#take(JSON.parse(line));
    });
  }

  /** `prepare`: what is there before the host looks for the first time. */
  static async start(
    options: Partial<DriverOptions> = {},
    prepare: (pair: Pair) => void = () => {},
  ): Promise<LinuxHarness> {
    const pair = await openPair();
    prepare(pair);
    const harness = new LinuxHarness(pair, {
      pair: "contract",
      interface: "eth0",
      heartbeatInterface: undefined,
      routes: [],
      addresses: ["10.99.0.100"],
      peers: [net.there],
      leaseSeconds: 2,
      witness: [net.there],
      announceRate: 500,
      ...options,
    });
    const started = () => harness.events.some((event) => event.kind === "address-observed");
    await eventually("the driver's first report", started, 10_000);
    return harness;
  }

  readonly host: Host = {
    reconcile: (wish) => this.order({ order: "reconcile", wish }),
    renew: () => this.order({ order: "renew" }),
    useLease: (lease) => this.order({ order: "use-lease", lease }),
    announce: () => this.order({ order: "announce" }),
    probe: (holder) => this.order({ order: "probe", ...(holder && { holder }) }),
    probeWitness: () => this.order({ order: "probe-witness" }),
    probePeer: () => this.order({ order: "probe-peer" }),
    listKept: (id) => this.order({ order: "list-kept", id }),
    placeKept: (id, flows) => this.order({ order: "place-kept", id, flows }),
    cutKept: () => this.order({ order: "cut-kept" }),
  };

  wait = wait;

  async eventually(what: string, seen: () => boolean, withinMillis?: number): Promise<void> {
    try {
      await eventually(what, seen, withinMillis);
    } catch (error) {
      const said = [
        ...this.troubles,
        ...this.events.slice(-8).map((event) => JSON.stringify(event)),
      ];
      throw new Error([String(error), ...said].join("\n"));
    }
  }

  keepRenewing(every: number): void {
    this.order({ order: "keep-renewing", every });
  }

  presence(): Presence {
    const shown = this.pair.here.run("ip -o addr show dev eth0");
    const count = this.#addresses.filter((address) => shown.includes(` ${address}/`)).length;
    if (count === 0) return "none";
    return count === this.#addresses.length ? "all" : "some";
  }

  /** The kernel of the neighbour asks, for the first address. */
  async answers(): Promise<boolean> {
    const address = this.#addresses[0] ?? "";
    this.#forget(address);
    const via = address.includes(":") ? `${address}/128` : `${address}/32`;
    this.pair.there.run(`ip route replace ${via} dev eth0`);
    await this.pair.there.start("ping", "-c", "1", "-W", "1", address);
    return this.neighbourKnows() === net.hereMac;
  }

  removeByHand(): void {
    for (const address of this.#addresses) {
      const length = address.includes(":") ? 128 : 32;
      this.pair.here.run(`ip addr del ${address}/${length} dev eth0`);
    }
  }

  setCarrier(up: boolean): void {
    this.pair.there.run(`ip link set eth0 ${up ? "up" : "down"}`);
  }

  setOtherHolder(holds: boolean): void {
    for (const address of this.#addresses) {
      const [length, nodad] = address.includes(":") ? [128, " nodad"] : [32, ""];
      const verb = holds ? "add" : "del";
      this.pair.there.run(`ip addr ${verb} ${address}/${length} dev eth0${nodad}`);
    }
  }

  setWitness(alive: boolean): void {
    const verb = alive ? "add" : "del";
    this.pair.there.run(`ip addr ${verb} ${net.there}/24 dev eth0`);
    this.pair.there.run(`ip addr ${verb} ${net.there6}/64 dev eth0`);
  }

  neighbourKnows(): string | undefined {
    const shown = this.pair.there.run(`ip neigh show to ${this.#addresses[0]} dev eth0`);
    return /lladdr (\S+)/.exec(shown)?.[1];
  }

  misleadNeighbour(mac: string): void {
    const [address] = this.#addresses;
    this.pair.there.run(`ip neigh replace ${address} lladdr ${mac} nud stale dev eth0`);
  }

  order(order: DriverOrder): void {
    this.driver.stdin.write(`${JSON.stringify(order)}\n`);
  }

  /** Ids of the driver's children whose command line contains `words`. */
  children(words: string): readonly number[] {
    const { pid } = this.driver;
    const ids = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    return ids.map(Number).filter((id) => commandOf(id).includes(words));
  }

  get lastPresence(): Presence | undefined {
    return this.events.findLast((event) => event.kind === "address-observed")?.presence;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.driver.kill("SIGKILL");
    await this.#driverGone;
    this.pair[Symbol.dispose]();
  }

  #forget(address: string): void {
    try {
      this.pair.there.run(`ip neigh del ${address} dev eth0`);
    } catch {
      // Nothing was known.
    }
  }

  get #heard() {
    return { command: this.commands, trouble: this.troubles, mended: this.mended };
  }

  #take(word: DriverWord): void {
    if (word.word === "event") this.events.push(word.event);
    else if (word.word === "announced") this.rounds.push(word.frames);
    else this.#heard[word.word].push(word.text);
  }
}

const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
  } catch {
    return "";
  }
};
