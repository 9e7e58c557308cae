import { Agent } from "../../src/agent/agent.ts";
import type { Steward, StewardEffect, Transport } from "../../src/agent/ports.ts";
import type { JournalEntry } from "../../src/core/effect.ts";
import type { Event, Order } from "../../src/core/event.ts";
import type { Policy } from "../../src/core/policy.ts";
import { type Instant, instant } from "../../src/core/time.ts";
import { keyRing } from "../../src/protocol/keys.ts";
import { SimHost } from "./host.ts";
import { SimKernel } from "./kernel.ts";
import { quickMac } from "./quick-mac.ts";
import { SimSteward } from "./steward.ts";
import type { World } from "./world.ts";

const ring = keyRing([{ id: 1, mac: quickMac }]);
const pair = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]);

/** What a machine learns from ARP and ND, by a socket of its own. */
const fromFrames: ReadonlySet<Event["kind"]> = new Set([
  "neighbour-answered",
  "peer-kernel-answered",
  "witness-answered",
  "network-heard",
]);

/** One machine: a kernel, a disk, a web server, and sometimes a running agent. */
export class Machine {
  readonly policy: Policy;
  readonly mac: string;
  readonly kernel: SimKernel;
  readonly world: World;
  agent: Agent | undefined;
  /** `quiet`: well, and nobody asks for anything. */
  web: "well" | "down" | "errors" | "no log" | "quiet" = "well";
  /** A tagged request of the other machine came over the network and was served. */
  tagged = false;
  /** What the disk remembers; the boot it was written in. */
  journal: { readonly entry: JournalEntry; readonly boot: number } | undefined;
  /** SIGSTOP: sockets and the monitor fill, timers do not go off. */
  frozen = false;
  boots = 0;
  private readonly drift: number;
  /** What an agent is told as it starts, before anything else can happen to it. */
  private readonly birth: (() => void)[] = [];
  private readonly frames: (() => void)[] = [];
  private readonly datagrams: (() => void)[] = [];
  private readonly monitor: (() => void)[] = [];
  private life = 0;
  private alarmPlan = 0;
  private host: SimHost | undefined;

  constructor(world: World, policy: Policy, mac: string) {
    this.world = world;
    this.policy = policy;
    this.mac = mac;
    this.drift = 1 + world.random.between(-2e-4, 2e-4);
    this.kernel = new SimKernel(world.schedule, world.random, () => this.kernelChanged());
    this.kernel.onLink = () => {
      world.note();
      world.schedule.after(world.random.between(0.05, 1), () => this.host?.tellCarrier());
    };
  }

  get name(): string {
    return this.policy.node;
  }

  now(): Instant {
    return instant(1e6 * (this.boots + 1) + this.kernel.clock() * this.drift);
  }

  /** Power, kernel and agent. The address is gone, the journal is of an earlier boot. */
  boot(): void {
    if (this.kernel.powered && this.boots > 0) return;
    this.boots += 1;
    this.kernel.powered = true;
    this.kernel.paused = false;
    this.startAgent();
  }

  powerOff(): void {
    this.killAgent();
    this.kernel.powerOff();
    for (const queue of this.queues) queue.length = 0;
  }

  killAgent(): void {
    this.life += 1;
    this.agent = undefined;
    this.host?.abandon();
    this.frozen = false;
    for (const queue of this.queues) queue.length = 0;
  }

  startAgent(): void {
    if (this.agent !== undefined || !this.kernel.powered) return;
    const { world, policy } = this;
    const known = this.journal;
    const sameBoot = known?.boot === this.boots;
    const adopted = sameBoot && known.entry.holding && this.kernel.present;
    const swap = sameBoot ? known.entry.swap : undefined;
    if (swap === undefined) this.kernel.clear();
    if (!adopted) this.kernel.remove();
    const host = this.newHost();
    this.agent = new Agent({
      policy,
      start: {
        at: this.now(),
        mac: this.mac,
        epoch: known?.entry.epoch ?? 0,
        released: sameBoot ? (known?.entry.released ?? false) : false,
        freeze: known?.entry.freeze ?? { on: false, stamp: 0 },
        diverts: this.kernel.link === undefined,
      },
      protocol: { pair, ring, session: world.random.hex(16) },
      transport: this.transport(),
      host: world.wrapHost(this, host),
      steward: this.steward(),
      random: () => world.random.next(),
    });
    if (adopted && known !== undefined)
      this.tell({ kind: "adopted", epoch: known.entry.epoch, blind: known.entry.blind, swap });
    else if (swap !== undefined) this.tell({ kind: "resumed", swap });
    host.start();
    this.planAlarm();
    this.watchService(this.life);
  }

  /** The floor below an agent, which can be tried without one. */
  newHost(): SimHost {
    this.host = new SimHost(this, (event) => this.tell(event));
    return this.host;
  }

  order(order: Order): void {
    this.tell({ kind: "operator-asked", order });
  }

  freeze(): void {
    this.frozen = true;
  }

  /**
   * Sockets are read to the end first, one after the other; only then the monitor, then the alarm. But an
   * agent that was stopped in the middle of a turn ends that one first, whatever the time is by now.
   */
  thaw(): void {
    this.frozen = false;
    this.drain();
  }

  pause(): void {
    this.kernel.pause();
  }

  resume(): void {
    if (!this.kernel.paused) return;
    this.kernel.resume();
    this.drain();
  }

  setCarrier(up: boolean): void {
    if (this.kernel.carrier === up) return;
    this.kernel.carrier = up;
    this.world.note();
    this.host?.tellCarrier();
  }

  receive(path: number, datagram: Uint8Array): void {
    const life = this.life;
    this.deliver(this.datagrams, () => {
      if (life === this.life) this.agent?.handleDatagram(path, datagram, this.now());
    });
  }

  /** Something the machine observed reaches the agent, unless the agent is another one by then. */
  tell(event: Event): void {
    const life = this.life;
    const happen = (): void => {
      if (life === this.life) this.agent?.handle(event, this.now());
    };
    // What waited in the monitor makes the host look: it tells what it sees by then.
    const look = (): void => this.host?.observe(this.kernel.present ? "all" : "none");
    const later = event.kind === "address-observed" ? look : happen;
    this.deliver(this.queueOf(event.kind), happen, later);
  }

  private get queues(): readonly (() => void)[][] {
    return [this.birth, this.frames, this.datagrams, this.monitor];
  }

  private queueOf(kind: Event["kind"]): (() => void)[] {
    if (kind === "adopted" || kind === "resumed") return this.birth;
    return fromFrames.has(kind) ? this.frames : this.monitor;
  }

  private deliver(queue: (() => void)[], happen: () => void, later = happen): void {
    if (!this.kernel.powered || this.agent === undefined) return;
    if (this.frozen || this.kernel.paused) {
      if (queue.length < 1000) queue.push(later);
      return;
    }
    happen();
    this.planAlarm();
  }

  private drain(): void {
    if (this.frozen || this.kernel.paused) return;
    const { random } = this.world;
    for (const happen of this.birth.splice(0)) happen();
    if (random.chance(0.3)) this.agent?.handleAlarm(this.now());
    const sockets = [this.frames, this.datagrams];
    for (const queue of [...(random.chance(0.5) ? sockets : sockets.reverse()), this.monitor])
      for (const happen of queue.splice(0)) happen();
    this.host?.thaw();
    this.planAlarm();
  }

  private kernelChanged(): void {
    this.world.note();
    // What is reported is always what is seen at that moment, as the Linux host does it.
    this.world.schedule.after(this.world.random.between(0.05, 1), () =>
      this.host?.observe(this.kernel.present ? "all" : "none"),
    );
  }

  /** One timer; it goes off late, sometimes very, and never while frozen or paused. */
  private planAlarm(): void {
    const { agent, world } = this;
    if (agent === undefined) return;
    this.alarmPlan += 1;
    const plan = this.alarmPlan;
    const wait = Math.max(0.05, (agent.pollAlarm() - this.now()) / this.drift);
    const rarely = world.random.chance(0.001)
      ? world.weather.timerLateness
      : world.weather.timerLateness / 1000;
    world.schedule.after(wait + world.random.between(0, rarely), () => {
      if (plan !== this.alarmPlan || this.agent !== agent) return;
      if (this.frozen || this.kernel.paused) return;
      agent.handleAlarm(this.now());
      this.planAlarm();
    });
  }

  private watchService(life: number): void {
    if (life !== this.life || this.agent === undefined) return;
    this.tell({ kind: "service-observed", listening: this.web !== "down" });
    this.world.schedule.after(1000, () => this.watchService(life));
  }

  private transport(): Transport {
    return { send: (path, datagram) => this.world.send(this, path, datagram) };
  }

  private steward(): Steward {
    const life = this.life;
    const steward = new SimSteward(this, () => life === this.life);
    return { perform: (effect: StewardEffect) => steward.perform(effect) };
  }
}
