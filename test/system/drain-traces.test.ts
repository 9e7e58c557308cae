import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";

import {
  type MachineName,
  machineNames,
  serviceAddress,
  serviceAddress6,
} from "../../src/practice/network.ts";
import { now, pause, until } from "../../src/practice/wait.ts";
import { Crowd, inOneLine } from "./load/crowd.ts";
import { DrainLab, exitCodes, thorough } from "./load/drain-lab.ts";

let pair: DrainLab;
let before: Record<MachineName, string>;
beforeAll(async () => {
  pair = await DrainLab.start({ drainTime: "3s" });
  before = await traces();
});
afterAll(() => pair[Symbol.asyncDispose]());

const traces = async (): Promise<Record<MachineName, string>> => ({
  primary: withoutAddress(await pair.tracesIn("primary")),
  backup: withoutAddress(await pair.tracesIn("backup")),
});

/** Which is on the holder, whoever that is, and nowhere else. */
const withoutAddress = (text: string): string =>
  text
    .split("\n")
    .filter((line) => ![serviceAddress, serviceAddress6].some((one) => line.includes(` ${one}/`)))
    .join("\n");

async function nothingIsLeft(): Promise<void> {
  for (const name of machineNames) {
    const shown = async () => pair.lab.machines[name].addresses("lo");
    await until(`${name} has no silent address`, async () => (await shown()).length === 2);
    const ruleset = ["nft", "list", "ruleset"];
    const empty = async () => (await pair.lab.machines[name].mustExec(ruleset)) === "";
    await until(`${name} has no rule`, empty);
  }
  expect(await traces()).toEqual(before);
}

test("a swap that is done leaves nothing behind on either machine", async () => {
  onTestFailed(() => console.error(pair.logs()));
  await using crowd = await Crowd.start(pair.lab.client, { address: serviceAddress });
  const { standby } = await pair.calm();
  expect((await pair.promote(standby)).code).toBe(exitCodes.done);
  expect(crowd.samples.length).toBeGreaterThan(100);
  await nothingIsLeft();
});

const families = [
  ["IPv4", serviceAddress],
  ["IPv6", serviceAddress6],
] as const;

test.each(families.slice(0, thorough ? 2 : 1))(
  "a rollback costs nobody anything and leaves nothing behind, %s",
  async (_, address) => {
    onTestFailed(() => console.error(pair.logs()));
    await using crowd = await Crowd.start(pair.lab.client, { address });
    const { holder, standby } = await pair.calm();
    await pause(2000);
    const from = now();
    const result = await pair.promote(standby, "--share", "100%", "--for", "3s");
    expect(result.code, result.stdout + result.stderr).toBe(exitCodes.done);
    expect(result.stdout).toContain("its time is over");
    // Downloads that began on the target end there.
    await pause(7000);
    const figures = await crowd.figures({ from, to: now() });
    console.log(`rolled back: ${inOneLine(figures)}`);
    expect(figures.failed).toEqual([]);
    expect(figures.broken).toEqual([]);
    expect(figures.closings).toEqual([]);
    await crowd[Symbol.asyncDispose]();
    await pair.calm();
    expect(await pair.lab.holders()).toEqual([holder]);
    await until(
      "nothing is served there any more",
      async () => {
        const words = ["nft", "list", "tables"];
        return (await pair.lab.machines[holder].mustExec(words)) === "";
      },
      { within: 40_000, every: 200 },
    );
    await nothingIsLeft();
  },
);

test("agents that are killed in a swap leave nothing that failover cleanup does not remove", async () => {
  onTestFailed(() => console.error(pair.logs()));
  await using crowd = await Crowd.start(pair.lab.client, { address: serviceAddress });
  const { holder, standby } = await pair.calm();
  await pause(1000);
  const swap = pair.promote(standby, "--share", "50%", "--for", "30s");
  await pair.untilWord(holder, ["diverting", "serving", "proved"]);
  await pause(500);
  expect(crowd.samples.length).toBeGreaterThan(100);
  for (const name of machineNames) await pair.lab.agents[name].kill("SIGKILL");
  await swap;
  for (const name of machineNames) {
    expect(withoutAddress(await pair.tracesIn(name))).not.toBe(before[name]);
    const result = await pair.lab.agents[name].failover("cleanup");
    expect(result.code, result.stderr).toBe(exitCodes.done);
  }
  await nothingIsLeft();
  expect(await pair.lab.holders()).toEqual([]);
});
