import assert from "node:assert/strict";
import { expect, onTestFailed, test } from "vitest";

import { type MachineName, serviceAddress, serviceAddress6 } from "../../src/practice/network.ts";
import { now, pause } from "../../src/practice/wait.ts";
import { Crowd, type Figures, inOneLine, median } from "./load/crowd.ts";
import { DrainLab, exitCodes, longTest, reload, thorough } from "./load/drain-lab.ts";

/** How many swaps, there and back in turn; 20 for the full measurements. */
const repetitions = Number(process.env["REPEAT"] ?? 1);

/** Beyond what a busy machine adds by itself. */
const datagramGapMax = 100;

/** Both at once where it has to be quick. */
const loads: readonly (readonly [string, readonly string[]])[] = thorough
  ? [
      ["IPv4", [serviceAddress]],
      ["IPv6", [serviceAddress6]],
    ]
  : [["IPv4 and IPv6", [serviceAddress, serviceAddress6]]];

test.each(loads)(
  "a swap under load costs nobody anything, %s",
  async (_, addresses) => {
    await using pair = await DrainLab.start();
    onTestFailed(() => console.error(pair.logs()));
    await using stack = new CrowdStack();
    for (const address of addresses) {
      const newPerSecond = 200 / addresses.length;
      stack.crowds.push(await Crowd.start(pair.lab.client, { address, newPerSecond }));
    }
    await pause(5000);
    const all: Figures[] = [];
    for (let round = 0; round < repetitions; round += 1) {
      const figures = await swapped(pair, stack.crowds);
      expect(figures.flatMap(({ closings }) => closings).map(({ how }) => how)).not.toContain(
        "crossed",
      );
      all.push(...figures);
    }
    print(all);
  },
  60_000 + repetitions * 60_000,
);

test("the drain hook has the web server end what is idle, and no request on it fails", async () => {
  await using pair = await DrainLab.start({ drainTime: "60s" }, { hooks: { drain: reload } });
  onTestFailed(() => console.error(pair.logs()));
  await using crowd = await Crowd.start(pair.lab.client, { address: serviceAddress });
  await pause(3000);
  const [figures] = await swapped(pair, [crowd]);
  assert(figures !== undefined);
  print([figures]);
  // A request that crosses the end of its connection meets a reset, and is asked again.
  expect(pair.lab.agents.primary.log()).toContain("primary is idle: 0 connections");
  expect(figures.closings).toHaveLength(5);
});

longTest("a swap under the highest rate that wrk makes here fails nothing", async () => {
  await using pair = await DrainLab.start({ drainTime: "20s" }, { hooks: { drain: reload } });
  onTestFailed(() => console.error(pair.logs()));
  const { standby } = await pair.calm();
  const words = ["-t1", "-c50", "-d18s", "--latency", `http://${serviceAddress}/`];
  const wrk = pair.lab.client.mustExec(["wrk", ...words]);
  await pause(1000);
  const result = await pair.promote(standby);
  expect(result.code, result.stdout + result.stderr).toBe(exitCodes.done);
  const told = await wrk;
  console.log(told);
  expect(told).not.toContain("Non-2xx");
  // A connection that the web server ends as it reloads is opened again.
  expect(/connect (\d+)/.exec(told)?.[1] ?? "0").toBe("0");
  expect(/timeout (\d+)/.exec(told)?.[1] ?? "0").toBe("0");
});

/** One swap under the load, which goes on before and after it. */
async function swapped(pair: DrainLab, crowds: readonly Crowd[]): Promise<readonly Figures[]> {
  const { standby } = await pair.calm();
  const from = now();
  const result = await pair.promote(standby);
  expect(result.code, result.stdout + result.stderr).toBe(exitCodes.done);
  const took = now() - from;
  expect(result.stdout).toMatch(/done|safe/);
  await servedBy(pair, standby);
  await pause(1500);
  const span = { from, to: now() };
  const all = await Promise.all(crowds.map((crowd) => crowd.figures(span)));
  for (const figures of all) {
    console.log(`${standby} in ${(took / 1000).toFixed(1)} s: ${inOneLine(figures)}`);
    expect(figures.failed).toEqual([]);
    expect(figures.broken).toEqual([]);
  }
  return all;
}

class CrowdStack implements AsyncDisposable {
  readonly crowds: Crowd[] = [];

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.crowds.map((crowd) => crowd[Symbol.asyncDispose]()));
  }
}

async function servedBy(pair: DrainLab, name: MachineName): Promise<void> {
  await pair.lab.untilHeldBy(name, { within: 5000 });
}

function print(all: readonly Figures[]): void {
  const gap = median(all.map(({ datagramGap }) => datagramGap));
  const sum = (of: (one: Figures) => number): number =>
    all.reduce((total, one) => total + of(one), 0);
  const requests = sum((one) => one.requests + one.pages);
  const slow = sum((one) => one.slow.length);
  const broken = `${sum((one) => one.broken.length)} of ${sum((one) => one.downloads)}`;
  console.log(
    `${all.length} swaps: 0 of ${requests} failed, ${slow} slow, ${broken} downloads broken, gap of datagrams at the median ${gap.toFixed(1)} ms`,
  );
  expect(gap).toBeLessThan(datagramGapMax);
}
