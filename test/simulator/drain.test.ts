import { describe, expect, test } from "vitest";

import type { Host } from "../../src/agent/ports.ts";
import { noDiversion } from "../../src/core/diversion.ts";
import type { PromoteOrder } from "../../src/core/event.ts";
import type { Outcome } from "../../src/core/swap.ts";
import { millis } from "../../src/core/time.ts";
import { faulty } from "./faulty.ts";
import type { Machine } from "./machine.ts";
import { fairWeather, type Weather } from "./weather.ts";
import { World } from "./world.ts";

/*
 * Swaps in drain mode, with clients that open connections all the time. Whatever is lost on the way or
 * restarted, no connection may be reset that is not on a machine that dies.
 */

const seeds = Array.from({ length: 8 }, (_, index) => index + 1);

function pairIn(
  seed: number,
  weather: Partial<Weather> = {},
  fault?: (machine: Machine, host: Host) => Partial<Host>,
): World {
  const world = new World({
    seed,
    mode: "drain",
    paths: seed % 2 === 0 ? 1 : 2,
    steps: seed % 3 === 0 ? [0.2, 1] : [1],
  });
  if (fault !== undefined) world.wrapHost = (machine, host) => faulty(host, fault(machine, host));
  world.weather = { ...fairWeather, ...weather };
  for (const machine of world.machines) machine.boot();
  world.run(7000);
  world.clients.broken.splice(0);
  return world;
}

function promote(world: World, node: string, more: Partial<PromoteOrder> = {}): void {
  const holder = world.machines.find(({ kernel }) => kernel.present) ?? world.machines[0];
  holder.order({
    kind: "promote",
    node,
    id: world.random.hex(12),
    cut: false,
    hold: undefined,
    drainTime: undefined,
    ...more,
  });
}

const holders = (world: World): readonly string[] =>
  world.machines.filter(({ kernel }) => kernel.speaks).map(({ name }) => name);

const ending = (world: World): Outcome | undefined => {
  const handover = world.machine("primary").agent?.state.handover;
  return handover?.kind === "none" ? handover.last : undefined;
};

const outcome = (world: World): string | undefined => ending(world)?.result;

const traces = ({ kernel }: Machine): boolean =>
  kernel.local || kernel.muted || kernel.diversion.kind !== "none";

describe("a swap in drain mode", () => {
  test.each(seeds)("breaks no connection, there and back, seed %i", (seed) => {
    const world = pairIn(seed, { loss: 0.05, jitter: 2, duplication: 0.1 });
    promote(world, "backup", { drainTime: millis(20_000) });
    world.run(32_000);
    expect(holders(world)).toEqual(["backup"]);
    expect(outcome(world)).toBe("done");
    promote(world, "primary", { drainTime: millis(20_000) });
    world.run(32_000);
    expect(holders(world)).toEqual(["primary"]);
    expect(world.clients.broken).toEqual([]);
    expect(world.machines.some(traces)).toBe(false);
  });

  test.each(seeds)("that is rolled back breaks no connection, seed %i", (seed) => {
    const world = pairIn(seed);
    world.machine("backup").web = "errors";
    promote(world, "backup");
    world.run(30_000);
    expect(outcome(world)).toBe("rolled-back");
    expect(holders(world)).toEqual(["primary"]);
    expect(world.clients.broken).toEqual([]);
    expect(world.machines.some(traces)).toBe(false);
  });

  test.each(seeds)("outlives a restart of either agent at any time, seed %i", (seed) => {
    const world = pairIn(seed);
    promote(world, "backup", { drainTime: millis(20_000) });
    world.run(world.random.between(0, 9000));
    const machine = world.random.pick(world.machines);
    machine.killAgent();
    world.run(world.random.between(100, 900));
    machine.startAgent();
    world.run(60_000);
    expect(holders(world)).toHaveLength(1);
    expect(world.clients.broken).toEqual([]);
    expect(world.machines.some(traces)).toBe(false);
  });

  const instants = ["before it hears that", "as it hears that"] as const;
  test.each(seeds.flatMap((seed) => instants.map((when) => [when, seed] as const)))(
    "outlives that the holder's agent dies %s all but the kept are passed on, seed %i",
    (when, seed) => {
      const world = pairIn(seed);
      const primary = world.machine("primary");
      const tell = primary.tell.bind(primary);
      let dead = false;
      primary.tell = (event) => {
        const { kind } = primary.kernel.diversion;
        const dies = !dead && event.kind === "diversion-observed" && kind === "all-but-kept";
        if (!dies || when === "as it hears that") tell(event);
        if (dies) primary.killAgent();
        dead ||= dies;
      };
      promote(world, "backup");
      while (!dead) world.run(10);
      world.run(world.random.between(100, 900));
      primary.startAgent();
      world.run(60_000);
      expect(holders(world)).toHaveLength(1);
      expect(world.clients.broken).toEqual([]);
      expect(world.machines.some(traces)).toBe(false);
    },
  );

  test.each(seeds)("outlives that either agent hangs, again and again, seed %i", (seed) => {
    const world = pairIn(seed);
    const hang = (): void => {
      const machine = world.random.pick(world.machines);
      machine.freeze();
      world.run(world.random.between(100, 700));
      machine.thaw();
      world.run(world.random.between(0, 1000));
    };
    promote(world, "backup", { hold: { share: 0.5, span: millis(60_000) } });
    world.run(6000);
    for (let count = 0; count < 12; count += 1) hang();
    promote(world, "backup", { drainTime: millis(20_000) });
    for (let count = 0; count < 6; count += 1) hang();
    world.run(60_000);
    expect([outcome(world), holders(world)]).toEqual(["done", ["backup"]]);
    expect(world.clients.broken).toEqual([]);
    expect(world.machines.some(traces)).toBe(false);
  });

  test.each(seeds)("leaves nobody without a server when a machine dies, seed %i", (seed) => {
    const world = pairIn(seed);
    promote(world, "backup");
    world.run(world.random.between(0, 12_000));
    const victim = world.random.pick(world.machines);
    const other = world.other(victim);
    victim.powerOff();
    world.run(3000);
    expect(holders(world)).toEqual([other.name]);
    const before = world.clients.opened.get(other.name) ?? 0;
    world.run(1000);
    expect(world.clients.opened.get(other.name)).toBeGreaterThan(before + 15);
    expect(world.clients.countAt(victim)).toBe(0);
    world.run(30_000);
    expect(traces(other)).toBe(false);
  });
});

/** A test that cannot fail is a defect: with each of these, connections are seen to break. */
describe("a planted fault breaks connections", () => {
  const faults: Readonly<Record<string, (machine: Machine, host: Host) => Partial<Host>>> = {
    "the list of what stays is empty": (machine, host) => ({
      listKept: (id) => {
        host.listKept(id);
        machine.tell({ kind: "kept-listed", id, flows: [] });
      },
    }),
    "the list is said to be placed before it is": (machine, host) => ({
      placeKept: (id, flows) => {
        machine.tell({ kind: "kept-placed", id });
        machine.world.schedule.after(2000, () => host.placeKept(id, flows));
      },
    }),
    "a rollback takes the rules away at once": ({ kernel }, host) => ({
      reconcile: (wish) => {
        const { diversion } = wish;
        const recalled =
          diversion.kind === "share" && diversion.share === 0 && kernel.moved.size > 0;
        host.reconcile(recalled ? { ...wish, diversion: noDiversion } : wish);
      },
    }),
  };

  test.each(Object.keys(faults))("%s", (name) => {
    const broken = seeds.flatMap((seed) => {
      const world = pairIn(seed, {}, faults[name]);
      promote(world, "backup", { hold: { share: 0.5, span: millis(8000) } });
      world.run(14_000);
      promote(world, "backup");
      world.run(12_000);
      return world.clients.broken;
    });
    expect(broken.length).toBeGreaterThan(0);
  });
});

test("an agent that is restarted during a rollback is not its reason", () => {
  const world = pairIn(1);
  const primary = world.machine("primary");
  world.machine("backup").web = "errors";
  promote(world, "backup");
  world.run(8000);
  primary.killAgent();
  world.run(400);
  primary.startAgent();
  world.run(30_000);
  const reason = "the holder's agent was restarted during the rollback";
  expect(ending(world)).toMatchObject({ result: "rolled-back", reason });
});

test("a machine whose connections cannot be counted is not said to be safe", () => {
  const world = pairIn(1);
  const primary = world.machine("primary");
  const tell = primary.tell.bind(primary);
  primary.tell = (event) => {
    if (event.kind !== "connections-counted") tell(event);
  };
  promote(world, "backup");
  world.run(30_000);
  const reason = expect.stringContaining("could not be counted");
  expect(ending(world)).toMatchObject({ result: "done", reason });
  expect(ending(world)?.reason).not.toContain("safe");
});

test("a share is held until it is told to go on, and then moves", () => {
  const world = pairIn(1);
  promote(world, "backup", { hold: { share: 0.2, span: millis(60_000) } });
  world.run(5000);
  const { opened } = world.clients;
  const before = { primary: opened.get("primary") ?? 0, backup: opened.get("backup") ?? 0 };
  world.run(40_000);
  const here = (opened.get("primary") ?? 0) - before.primary;
  const there = (opened.get("backup") ?? 0) - before.backup;
  expect(there / (here + there)).toBeGreaterThan(0.15);
  expect(there / (here + there)).toBeLessThan(0.25);
  promote(world, "backup");
  world.run(15_000);
  expect(holders(world)).toEqual(["backup"]);
  expect(world.clients.broken).toEqual([]);
});

test("a share that is held goes back by itself when its time is over", () => {
  const world = pairIn(1);
  promote(world, "backup", { hold: { share: 0.2, span: millis(10_000) } });
  world.run(40_000);
  expect(holders(world)).toEqual(["primary"]);
  expect(outcome(world)).toBe("rolled-back");
  expect(world.clients.broken).toEqual([]);
  expect(world.machines.some(traces)).toBe(false);
});
