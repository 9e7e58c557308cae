import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";
import { ClientLoad } from "../../src/practice/client-load.ts";
import { serviceAddress6 } from "../../src/practice/network.ts";
import { changeover } from "../../src/practice/samples.ts";
import { now, pause } from "../../src/practice/wait.ts";
import { Pair, repetitions } from "./pair.ts";

let pair: Pair;
beforeAll(async () => {
  pair = await Pair.start();
});
afterAll(() => pair[Symbol.asyncDispose]());

/** deadTime 300 ms and confirmTime 100 ms, and what two busy cores may add. */
const outageMillisMax = 2000;

test("the standby takes over from a machine that lost its power, and nobody takes it back", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const outages: number[] = [];
  for (let round = 0; round < repetitions; round += 1) {
    const { holder, standby } = await pair.calm();
    await pair.answeredBy(holder);
    const cut = now();
    await pair.lab.machines[holder].powerCut();
    await pair.lab.untilHeldBy(standby, { within: 5000 });
    await pair.answeredBy(standby);
    const span = { from: cut - 200, to: now() };
    outages.push(changeover(pair.client.samples, holder, standby, span)?.millis ?? Infinity);
    expect(await pair.doubles(cut)).toEqual([]);

    const back = await pair.calm();
    expect(back.holder).toBe(standby);
    await pause(1000);
    expect(await pair.holder()).toBe(standby);
    expect(await pair.failures({ from: span.to, to: now() })).toEqual([]);
  }
  console.log(`outages in ms: ${outages.map(Math.round).join(" ")}`);
  expect(Math.max(...outages)).toBeLessThan(outageMillisMax);
});

test("the IPv6 address moves with the IPv4 address", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { holder, standby } = await pair.calm();
  await using client = await ClientLoad.start(pair.lab.client, {
    address: serviceAddress6,
    mode: "http",
    perSecond: 100,
    timeout: 1000,
  });
  await pause(300);
  const cut = now();
  await pair.lab.machines[holder].powerCut();
  await pair.lab.untilHeldBy(standby, { within: 5000 });
  await pause(1500);
  const span = { from: cut - 200, to: now() };
  const outage = changeover(client.samples, holder, standby, span)?.millis ?? Infinity;
  expect(outage).toBeLessThan(outageMillisMax);
  expect(await pair.lab.machines[standby].has(serviceAddress6)).toBe(true);
});

test("the dead machine's web server and agent come back as a standby, whatever its place in nodes", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const first = await pair.calm();
  if (first.holder === "primary") {
    await pair.lab.machines.primary.powerCut();
    await pair.lab.untilHeldBy("backup", { within: 5000 });
  }
  const { holder } = await pair.calm();
  expect(holder).toBe("backup");
  expect((await pair.lab.agents.primary.status())?.role).toBe("standby");
});
