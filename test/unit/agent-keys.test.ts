import { expect, test } from "vitest";

import { Agent } from "../../src/agent/agent.ts";
import type { Policy } from "../../src/core/policy.ts";
import { type Instant, instant, millis } from "../../src/core/time.ts";
import { type KeyRing, keyRing } from "../../src/protocol/keys.ts";
import { quickMac } from "../simulator/quick-mac.ts";

const ringOf = (...ids: number[]): KeyRing =>
  keyRing(ids.map((id) => ({ id, mac: (bytes) => quickMac(bytes).map((byte) => byte ^ id) })));

const policyOf = (node: string, peer: string): Policy => ({
  node,
  peer,
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
});

/** Two agents on a wire that carries everything at once; time goes on in steps of 10 ms. */
class Wire {
  readonly primary: Agent;
  readonly backup: Agent;
  readonly lost: string[] = [];
  #now = 1000;
  #flying: (() => void)[] = [];

  constructor() {
    this.primary = this.#agent("primary", "backup", () => this.backup);
    this.backup = this.#agent("backup", "primary", () => this.primary);
  }

  get now(): Instant {
    return instant(this.#now);
  }

  pass(span: number): void {
    for (const end = this.#now + span; this.#now < end; this.#now += 10) {
      for (const agent of [this.primary, this.backup])
        if (agent.pollAlarm() <= this.now) agent.handleAlarm(this.now);
      for (const arrive of this.#flying.splice(0)) arrive();
    }
  }

  #agent(node: string, peer: string, other: () => Agent): Agent {
    return new Agent({
      policy: policyOf(node, peer),
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
          this.#flying.push(() => this.#arrive(other(), path, copy));
        },
      },
      host: {
        reconcile: () => {},
        announce: () => {},
        probe: () => {},
        probeWitness: () => {},
        renew: () => {},
        probePeer: () => {},
        listKept: () => {},
        placeKept: () => {},
        cutKept: () => {},
      },
      steward: { perform: () => {} },
      random: () => 0.5,
    });
  }

  #arrive(agent: Agent, path: number, datagram: Uint8Array): void {
    agent.handleDatagram(path, datagram, this.now);
    const drops = agent.paths.flatMap(({ drops: counts }) => [...counts.keys()]);
    this.lost.push(...drops);
  }
}

test("a key is changed on both machines while they run, and no beat is refused", () => {
  const wire = new Wire();
  const { primary, backup } = wire;
  wire.pass(1000);
  expect(primary.keys(wire.now)).toEqual({ accepted: [1], peer: { signed: 1, newest: 1 } });

  expect(primary.useKeys(ringOf(1, 2), wire.now)).toBe("used");
  wire.pass(300);
  expect(backup.keys(wire.now).peer).toEqual({ signed: 1, newest: 2 });
  expect(backup.useKeys(ringOf(1, 2), wire.now)).toBe("used");
  wire.pass(300);
  expect(primary.keys(wire.now).peer).toEqual({ signed: 2, newest: 2 });
  expect(backup.useKeys(ringOf(2), wire.now)).toBe("used");
  wire.pass(300);
  expect(primary.useKeys(ringOf(2), wire.now)).toBe("used");
  wire.pass(1000);
  expect(backup.keys(wire.now)).toEqual({ accepted: [2], peer: { signed: 2, newest: 2 } });
  expect(wire.lost).toEqual([]);
});

test("a ring without the key that the peer signs with is refused, and the old one stays", () => {
  const wire = new Wire();
  wire.pass(1000);
  expect(wire.primary.useKeys(ringOf(2), wire.now)).toBe("deaf");
  wire.pass(1000);
  expect(wire.primary.keys(wire.now).accepted).toEqual([1]);
  expect(wire.lost).toEqual([]);
});

test("with nobody to hear, any ring is used", () => {
  const wire = new Wire();
  expect(wire.primary.useKeys(ringOf(2), wire.now)).toBe("used");
  expect(wire.primary.keys(wire.now)).toEqual({ accepted: [2], peer: undefined });
});
