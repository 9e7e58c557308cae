import type { Host } from "../../src/agent/ports.ts";
import type { Policy } from "../../src/core/policy.ts";
import { millis } from "../../src/core/time.ts";
import { Clients } from "./clients.ts";
import { Machine } from "./machine.ts";
import { Random } from "./random.ts";
import { Schedule } from "./schedule.ts";
import { fairWeather, type Weather } from "./weather.ts";

export interface WorldOptions {
  readonly seed: number;
  /** One entry a path; the first crosses the service network, a second is a cable. */
  readonly paths?: 1 | 2;
  readonly witness?: boolean;
  readonly policy?: Partial<Policy>;
  /** How a planned swap goes; `cut` unless told otherwise. */
  readonly mode?: Policy["swap"]["mode"];
  readonly steps?: readonly number[];
  /** `link`: the service has an interface of its own, and beats and the gateway are on another. */
  readonly takeover?: "address" | "link";
}

const gatewayMac = "02:00:00:00:00:01";

/** What is cut from a machine towards its peer, until it is mended. */
export interface Cut {
  readonly from: string;
  /** `udp`: beats only. `frames`: everything, ARP too; on the service network. */
  readonly what: "udp" | "frames";
  readonly path: number;
}

/** Two machines, a switch, a cable, a gateway and its clients; one seed, one order of events. */
export class World {
  readonly schedule = new Schedule();
  readonly random: Random;
  readonly machines: readonly [Machine, Machine];
  weather: Weather = fairWeather;
  cuts: readonly Cut[] = [];
  /** Machines that the gateway cannot reach, both ways. */
  readonly offGateway = new Set<string>();
  gatewayWell = true;
  /** MACs that answer every ARP request: gateways with proxy ARP, or somebody who took our address. */
  readonly claimants: string[] = [];
  /** Where the clients' and the gateway's ARP entries point. */
  clientsArp: string | undefined;
  readonly clients: Clients;
  readonly said: { readonly at: number; readonly node: string; readonly sentence: string }[] = [];
  /** Replaces a machine's host by a faulty one, to see that the checkers find the fault. */
  wrapHost: (machine: Machine, host: Host) => Host = (_machine, host) => host;
  onChange: () => void = () => {};
  onSend: (from: Machine) => void = () => {};

  constructor(options: WorldOptions) {
    this.random = new Random(options.seed);
    const policy = (node: string, peer: string): Policy => ({
      node,
      peer,
      first: node === "primary",
      configuration: "00112233445566aa",
      paths: Array.from({ length: options.paths ?? 2 }, (_, path) => ({ service: path === 0 })),
      witness: options.witness ?? true,
      interval: millis(100),
      deadTime: millis(300),
      confirmTime: millis(100),
      lease: millis(2000),
      bootTime: millis(5000),
      swap: {
        mode: options.takeover === "link" ? "cut" : (options.mode ?? "cut"),
        steps: options.steps ?? [1],
        warmTime: millis(1500),
        drainTime: millis(3000),
        minRequests: 10,
        maxErrorRate: 0.01,
        verifyTime: millis(5000),
      },
      ...options.policy,
    });
    this.machines = [
      new Machine(this, policy("primary", "backup"), "02:00:00:00:00:11"),
      new Machine(this, policy("backup", "primary"), "02:00:00:00:00:12"),
    ];
    for (const { kernel } of this.machines) {
      kernel.powered = false;
      if (options.takeover === "link") kernel.link = { up: false, negotiated: false };
    }
    this.clients = new Clients(this, options.seed + 1);
    this.hum();
  }

  /** Clients ask for addresses all the time: a living network is never quiet. */
  private hum(): void {
    this.schedule.after(250, () => {
      for (const machine of this.machines)
        if (this.onHeartbeatNetwork(machine)) machine.tell({ kind: "network-heard" });
      this.hum();
    });
  }

  machine(name: string): Machine {
    const found = this.machines.find((machine) => machine.name === name);
    if (found === undefined) throw new Error(`There is no machine ${name}`);
    return found;
  }

  other(machine: Machine): Machine {
    return machine === this.machines[0] ? this.machines[1] : this.machines[0];
  }

  run(span: number): void {
    this.schedule.runUntil(this.schedule.now + span, () => this.onChange());
  }

  note(): void {
    this.onChange();
  }

  tell(machine: Machine, sentence: string): void {
    this.said.push({ at: this.schedule.now, node: machine.name, sentence });
  }

  private onServiceNetwork(machine: Machine): boolean {
    return this.onHeartbeatNetwork(machine) && machine.kernel.connected;
  }

  /** The same network, but where the service has an interface of its own. */
  private onHeartbeatNetwork(machine: Machine): boolean {
    const { kernel } = machine;
    const lives = kernel.powered && !kernel.paused && !this.offGateway.has(machine.name);
    return lives && (kernel.carrier || kernel.link !== undefined);
  }

  clientsReach(machine: Machine): boolean {
    return this.onServiceNetwork(machine) && this.clientsArp === machine.mac;
  }

  /** Frames, or beats, from this machine reach the other on the path. */
  passes(from: Machine, path: number, what: Cut["what"]): boolean {
    const to = this.other(from);
    const plugged = ({ kernel }: Machine): boolean =>
      what === "udp" && kernel.link !== undefined ? true : kernel.connected;
    if (path === 0 && !(plugged(from) && plugged(to))) return false;
    return !this.cuts.some(
      (cut) =>
        cut.from === from.name && cut.path === path && (cut.what === "frames" || cut.what === what),
    );
  }

  send(from: Machine, path: number, datagram: Uint8Array): void {
    this.onSend(from);
    if (!this.passes(from, path, "udp")) return;
    const copies = this.random.chance(this.weather.duplication) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      if (this.random.chance(this.weather.loss)) continue;
      const bytes = Uint8Array.from(datagram);
      if (this.random.chance(this.weather.corruption)) {
        const at = Math.floor(this.random.next() * bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(this.random.next() * 8));
      }
      const wait = this.weather.delay + this.random.between(0, this.weather.jitter);
      this.schedule.after(wait, () => {
        const to = this.other(from);
        if (!to.kernel.paused) to.receive(path, bytes);
      });
    }
  }

  private frame(act: () => void): void {
    if (this.random.chance(this.weather.loss)) return;
    this.schedule.after(0.1 + this.random.between(0, this.weather.jitter), act);
  }

  /** An ARP probe for the address: a kernel that speaks answers, whatever its agent does. */
  probe(from: Machine): void {
    if (!from.kernel.connected) return;
    const to = this.other(from);
    if (this.passes(from, 0, "frames"))
      this.frame(() => {
        if (to.kernel.speaks && this.passes(to, 0, "frames"))
          this.frame(() => from.tell({ kind: "neighbour-answered", mac: to.mac }));
      });
    if (!this.offGateway.has(from.name))
      for (const mac of this.claimants)
        this.frame(() => from.tell({ kind: "neighbour-answered", mac }));
  }

  /** An ARP probe for the other machine's own address: every kernel that lives answers that. */
  probePeer(from: Machine): void {
    const to = this.other(from);
    const what = from.kernel.link === undefined ? "frames" : "udp";
    if (!this.passes(from, 0, what)) return;
    this.frame(() => {
      const lives = to.kernel.powered && !to.kernel.paused;
      if (lives && this.passes(to, 0, what))
        this.frame(() => from.tell({ kind: "peer-kernel-answered" }));
    });
  }

  announce(from: Machine): void {
    if (!this.onServiceNetwork(from)) return;
    this.frame(() => {
      this.clientsArp = from.mac;
      this.onChange();
    });
    const to = this.other(from);
    if (this.passes(from, 0, "frames"))
      this.frame(() => to.tell({ kind: "neighbour-answered", mac: from.mac }));
  }

  probeWitness(from: Machine): void {
    if (!this.onHeartbeatNetwork(from) || !this.gatewayWell) return;
    this.frame(() =>
      this.frame(() => {
        if (this.onHeartbeatNetwork(from) && this.gatewayWell)
          from.tell({ kind: "witness-answered", mac: gatewayMac });
      }),
    );
  }
}
