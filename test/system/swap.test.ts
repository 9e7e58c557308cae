import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";

import type { CommandResult } from "../../src/practice/command.ts";
import { type MachineName, other } from "../../src/practice/network.ts";
import { changeover } from "../../src/practice/samples.ts";
import { now, pause } from "../../src/practice/wait.ts";
import { Pair, repetitions } from "./pair.ts";

let pair: Pair;
beforeAll(async () => {
  pair = await Pair.start({ configuration: { swap: { mode: "cut", verifyTime: "5s" } } });
});
afterAll(() => pair[Symbol.asyncDispose]());

const exitCodes = { done: 0, usage: 2, refused: 3, rolledBack: 4 } as const;

const promote = (node: string, on: MachineName): Promise<CommandResult> =>
  pair.lab.agents[on].failover("promote", node);

const said = ({ code, stdout, stderr }: CommandResult): string => `${code}: ${stdout}${stderr}`;

test("a planned swap there and back under load fails no request", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const gaps: number[] = [];
  for (let round = 0; round < repetitions * 2; round += 1) {
    const { holder, standby } = await pair.calm();
    await pause(1000);
    const from = now();
    const result = await promote(standby, round % 4 < 2 ? holder : standby);
    expect(result.code, said(result)).toBe(exitCodes.done);
    expect(await pair.holder()).toBe(standby);
    await pair.answeredBy(standby);
    // A client whose first packet fell into the gap asks again after a second.
    await pause(1500);
    const span = { from, to: now() };
    expect(await pair.failures(span)).toEqual([]);
    const move = changeover(pair.client.samples, holder, standby, { ...span, from: from - 500 });
    gaps.push(move?.millis ?? Infinity);
    expect(await pair.doubles(from)).toEqual([]);
  }
  console.log(`gaps in ms: ${gaps.map((gap) => gap.toFixed(1)).join(" ")}`);
  expect(Math.max(...gaps)).toBeLessThan(1500);
});

test("a swap to the machine that holds already is done at once and moves nothing", async () => {
  const { holder } = await pair.calm();
  const result = await promote(holder, holder);
  expect(result.code, said(result)).toBe(exitCodes.done);
  expect(await pair.holder()).toBe(holder);
});

test("a node that is not in the configuration is a fault of usage", async () => {
  const { holder } = await pair.calm();
  expect((await promote("elsewhere", holder)).code).toBe(exitCodes.usage);
});

test("a target whose web server is down is refused, and nothing has moved", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { holder, standby } = await pair.calm();
  await pair.lab.webs[standby].stop();
  await expectNothingMoved(holder, [exitCodes.refused]);
});

test("a target whose access_log is silent is refused, and nothing has moved", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { holder, standby } = await pair.calm();
  await pair.lab.webs[standby].change({ log: false });
  await expectNothingMoved(holder, [exitCodes.refused]);
});

test("a target whose pages are errors is refused, and nothing has moved", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { holder, standby } = await pair.calm();
  await pair.lab.webs[standby].change({ pages: "errors" });
  await expectNothingMoved(holder, [exitCodes.refused]);
});

test("a target that serves itself but fails its clients is rolled back", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { holder, standby } = await pair.calm();
  await pair.lab.webs[standby].change({ pages: "errors-for-others" });
  await expectNothingMoved(holder, [exitCodes.rolledBack]);
});

test("a swap to a machine that is dead is refused", async () => {
  const { holder, standby } = await pair.calm();
  await pair.lab.machines[standby].powerCut();
  await pause(1000);
  await expectNothingMoved(holder, [exitCodes.refused]);
});

test("a target that dies while it verifies gives the service back to the first holder", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { holder, standby } = await pair.calm();
  await pair.lab.webs[standby].change({ pages: "errors-for-others" });
  const from = now();
  const swap = promote(standby, holder);
  await pair.lab.untilHeldBy(standby, { within: 20_000, every: 5 }).catch(() => 0);
  await pair.lab.machines[standby].powerCut();
  const result = await swap;
  expect([exitCodes.rolledBack, exitCodes.refused], said(result)).toContain(result.code);
  await pair.lab.untilHeldBy(holder, { within: 10_000 });
  await pair.answeredBy(holder);
  expect(await pair.doubles(from)).toEqual([]);
});

/** The swap is tried from the holder; afterwards it holds as before, and serves. */
async function expectNothingMoved(
  holder: MachineName,
  codes: readonly (number | undefined)[],
): Promise<void> {
  const from = now();
  const result = await promote(other(holder), holder);
  expect(codes, said(result)).toContain(result.code);
  expect(`${result.stdout}${result.stderr}`.trim()).not.toBe("");
  await pair.lab.untilHeldBy(holder, { within: 5000 });
  await pair.answeredBy(holder);
  expect(await pair.doubles(from)).toEqual([]);
}
