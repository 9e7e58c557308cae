import { Agent } from "../../src/agent/agent.ts";
import type { Host } from "../../src/agent/ports.ts";
import type { Event } from "../../src/core/event.ts";
import type { Policy } from "../../src/core/policy.ts";
import { type Instant, instant, millis } from "../../src/core/time.ts";
import { type KeyRing, keyRing } from "../../src/protocol/keys.ts";
import { quickMac } from "../simulator/quick-mac.ts";

export const ringOf = (...ids: number[]): KeyRing =>
  keyRing(ids.map((id) => ({ id, mac: (bytes) => quickMac(bytes).map((byte) => byte ^ id) })));

export const policyOf = (node: string, changes: Partial<Policy> = {}): Policy => ({
  node,
  peer: node === "primary" ? "backup" : "primary",
  first: node === "primary",
  configuration: "0123456789abcdef",
  paths: [{ service: true }],
  witness: false,
  interval: millis(100),
  deadTime: millis(300),
  confirmTime: millis(100),
  lease: millis(2000),
  bootTime: millis(5000),
  swap: {
    mode: "cut",
    steps: [1],
    warmTime: millis(4000),
    drainTime: millis(60_000),
    minRequests: 10,
    maxErrorRate: 0.01,
    verifyTime: millis(30_000),
  },
  ...changes,
});

/** A kernel that does at once what it is asked for, and whose address goes when its lease runs out. */
class Kernel {
  readonly host: Host;
  readonly told: string[] = [];
  /** What the last renewal gave. */
  lease = 2000;
  lost = 0;
  #until = Number.NEGATIVE_INFINITY;
  #has = false;

  constructor(now: () => Instant, report: (event: Event) => void) {
    this.host = {
      reconcile: ({ address }) => {
        this.#has = address === "present";
        this.#until = now() + this.lease;
        report({ kind: "address-observed", presence: this.#has ? "all" : "none" });
      },
      renew: () => {
        if (this.#has && now() > this.#until) this.lost += 1;
        this.#until = now() + this.lease;
        report({ kind: "renewed", sentAt: now() });
      },
      useLease: (lease) => {
        this.lease = lease;
      },
      announce: () => {},
      probe: () => {},
      probeWitness: () => {},
      probePeer: () => {},
      listKept: () => {},
      placeKept: () => {},
      cutKept: () => {},
    };
  }
}

/** Two agents on a wire that carries everything at once; time goes on in steps of 10 ms. */
export class Wire {
  readonly primary: Agent;
  readonly backup: Agent;
  readonly kernels: Record<"primary" | "backup", Kernel>;
  readonly lost: string[] = [];
  #now = 1000;
  #flying: { readonly to: Agent; readonly arrive: () => void }[] = [];

  constructor() {
    const kernel = (agent: () => Agent): Kernel =>
      new Kernel(
        () => this.now,
        (event) => agent().handle(event, this.now),
      );
    this.kernels = { primary: kernel(() => this.primary), backup: kernel(() => this.backup) };
    this.primary = this.#agent("primary", () => this.backup);
    this.backup = this.#agent("backup", () => this.primary);
  }

  get now(): Instant {
    return instant(this.#now);
  }

  /** Until the first node holds and the other stands by. */
  settle(): void {
    for (const agent of [this.primary, this.backup]) {
      const mac = "02:00:00:00:00:01";
      agent.handle({ kind: "carrier-observed", carrier: "up", mac }, this.now);
      agent.handle({ kind: "network-heard" }, this.now);
    }
    this.pass(2000);
    for (const kernel of Object.values(this.kernels)) kernel.told.length = 0;
  }

  /** `hangs`: it has no turn meanwhile, and what it is sent waits. */
  pass(span: number, hangs?: Agent): void {
    for (const end = this.#now + span; this.#now < end; this.#now += 10) {
      for (const agent of [this.primary, this.backup])
        if (agent !== hangs && agent.pollAlarm() <= this.now) agent.handleAlarm(this.now);
      const flying = this.#flying;
      this.#flying = flying.filter(({ to }) => to === hangs);
      for (const { to, arrive } of flying) if (to !== hangs) arrive();
    }
  }

  #agent(node: "primary" | "backup", other: () => Agent): Agent {
    const { host, told } = this.kernels[node];
    return new Agent({
      policy: policyOf(node),
      start: {
        at: this.now,
        mac: "02:00:00:00:00:01",
        epoch: 0,
        released: false,
        freeze: { on: false, stamp: 0 },
        diverts: false,
      },
      protocol: {
        pair: Uint8Array.from({ length: 8 }),
        ring: ringOf(1),
        session: node === "primary" ? "aaaaaaaaaaaaaaaa" : "bbbbbbbbbbbbbbbb",
      },
      transport: {
        send: (path, datagram) => {
          const copy = datagram.slice();
          const to = other();
          this.#flying.push({ to, arrive: () => this.#arrive(to, path, copy) });
        },
      },
      host,
      steward: {
        perform: (effect) => {
          if (effect.kind === "tell") told.push(effect.sentence);
        },
      },
      random: () => 0.5,
    });
  }

  #arrive(agent: Agent, path: number, datagram: Uint8Array): void {
    agent.handleDatagram(path, datagram, this.now);
    const drops = agent.paths.flatMap(({ drops: counts }) => [...counts.keys()]);
    this.lost.push(...drops);
  }
}
