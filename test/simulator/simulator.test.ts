import { describe, expect, test } from "vitest";

import type { Host } from "../../src/agent/ports.ts";
import { millis } from "../../src/core/time.ts";
import { runChaos } from "./chaos.ts";
import { faulty } from "./faulty.ts";
import { LawBroken, watch } from "./laws.ts";
import type { Machine } from "./machine.ts";
import { fairWeather } from "./weather.ts";
import { World } from "./world.ts";

const seeds = Number(process.env["SEEDS"] ?? 160);

describe("in any weather", () => {
  // In batches, so that a broken law is found with its seed and the rest is still run.
  const batch = 40;
  test.each(Array.from({ length: Math.ceil(seeds / batch) }, (_, index) => index * batch + 1))(
    "no law is broken from seed %i on",
    (from) => {
      for (let seed = from; seed < from + batch; seed += 1) {
        try {
          runChaos(seed);
        } catch (error) {
          throw new Error(`Seed ${seed}: npm run simulate -- --seeds 1 --from ${seed}`, {
            cause: error,
          });
        }
      }
    },
  );

  test("the same seed gives the same run", () => {
    expect(runChaos(7).said).toEqual(runChaos(7).said);
  });
});

describe("while only the standby suffers", () => {
  test.each([1, 2, 3, 4, 5, 6])("the holder keeps the address, seed %i", (seed) => {
    const world = new World({ seed, paths: seed % 2 === 0 ? 1 : 2, witness: seed % 3 !== 0 });
    const [primary, backup] = world.machines;
    primary.boot();
    backup.boot();
    world.run(8000);
    let lost = 0;
    world.onChange = () => {
      if (!primary.kernel.present) lost += 1;
    };
    for (let round = 0; round < 12; round += 1) {
      const trouble = world.random.pick<(machine: Machine) => void>([
        (machine) => machine.powerOff(),
        (machine) => machine.killAgent(),
        (machine) => machine.freeze(),
        (machine) => machine.pause(),
        (machine) => machine.setCarrier(false),
        (machine) => {
          machine.web = "down";
        },
      ]);
      trouble(backup);
      world.run(world.random.between(100, 9000));
      backup.setCarrier(true);
      backup.resume();
      backup.thaw();
      backup.boot();
      backup.startAgent();
      backup.web = "well";
      world.run(world.random.between(100, 9000));
    }
    expect(lost).toBe(0);
    expect(primary.kernel.speaks).toBe(true);
  });
});

test("an agent that crashes again and again, and is back within the lease, goes on holding", () => {
  const world = new World({ seed: 1 });
  const [primary, backup] = world.machines;
  primary.boot();
  backup.boot();
  world.run(8000);
  for (let crash = 0; crash < 20; crash += 1) {
    primary.killAgent();
    world.run(400);
    primary.startAgent();
    world.run(200);
    expect(primary.kernel.speaks, `crash ${crash + 1}`).toBe(true);
  }
});

test.each([1, 2, 3, 4])("an agent that hangs again and again goes on holding, seed %i", (seed) => {
  const world = new World({ seed, paths: seed % 2 === 0 ? 1 : 2, witness: true });
  const [primary, backup] = world.machines;
  primary.boot();
  backup.boot();
  world.run(8000);
  const { epoch } = primary.agent?.state ?? {};
  for (let hang = 0; hang < 20; hang += 1) {
    primary.freeze();
    world.run(world.random.between(100, 700));
    primary.thaw();
    world.run(1000);
    expect(primary.agent?.state.role, `hang ${hang + 1}`).toMatchObject({ kind: "hold", epoch });
  }
});

test.each([1, 2, 3, 4])(
  "an agent that is late all the time lets go when it is cut off, seed %i",
  (seed) => {
    const world = new World({ seed, paths: 1, witness: true });
    const [primary, backup] = world.machines;
    for (const machine of world.machines) machine.boot();
    world.run(8000);
    world.cuts = [primary, backup].map(({ name }) => ({ from: name, path: 0, what: "frames" }));
    world.offGateway.add(primary.name);
    for (let late = 0; late < 50; late += 1) {
      primary.freeze();
      world.run(130);
      primary.thaw();
      world.run(20);
    }
    expect(primary.kernel.present).toBe(false);
  },
);

test("a holder that is not heard lets go before it is replaced, though a tenth of all is lost", () => {
  const policy = { interval: millis(20), deadTime: millis(30), confirmTime: millis(15) };
  for (let seed = 1; seed <= 100; seed += 1) {
    const world = new World({ seed, paths: 1, witness: true, policy });
    for (const machine of world.machines) machine.boot();
    world.run(3000);
    world.weather = { ...fairWeather, loss: 0.1, jitter: 1 };
    world.cuts = [{ from: "primary", path: 0, what: "frames" }];
    watch(world);
    expect(() => world.run(200), `seed ${seed}`).not.toThrow();
  }
});

/** A test that cannot fail is a defect: with each of these a law must be seen broken. */
describe("a planted fault is caught", () => {
  const faults: Readonly<Record<string, (machine: Machine, host: Host) => Partial<Host>>> = {
    "renewals wait in a queue, and outlive their agent": ({ world, kernel, policy }, host) => ({
      renew: () => {
        host.renew();
        world.schedule.after(1800, () => {
          if (kernel.powered) kernel.set(policy.lease);
        });
      },
    }),
    "nobody looks whether a kernel still answers for the address": () => ({ probe: () => {} }),
    "goodbye is said before the address is removed": (machine, host) => ({
      reconcile: (wish) => {
        if (wish.address === "present") return host.reconcile(wish);
        machine.tell({ kind: "address-observed", presence: "none" });
        machine.world.schedule.after(40, () => host.reconcile(wish));
      },
    }),
    "an address is never announced": () => ({ announce: () => {} }),
  };

  test.each(Object.keys(faults))("%s", (name) => {
    const plant = (world: World) => {
      world.wrapHost = (machine, host) => faulty(host, faults[name]?.(machine, host) ?? {});
    };
    const caught = Array.from({ length: 60 }, (_, index) => index + 1).some((seed) => {
      try {
        runChaos(seed, plant);
        return false;
      } catch (error) {
        if (error instanceof LawBroken) return true;
        throw error;
      }
    });
    expect(caught).toBe(true);
  });
});
