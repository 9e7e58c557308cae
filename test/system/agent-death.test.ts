import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";

import { serviceAddress, serviceAddress6 } from "../../src/practice/network.ts";
import { begunIn } from "../../src/practice/samples.ts";
import { now, pause, until } from "../../src/practice/wait.ts";
import { Pair, repetitions } from "./pair.ts";

let pair: Pair;
beforeAll(async () => {
  pair = await Pair.start();
});
afterAll(() => pair[Symbol.asyncDispose]());

const leaseMillis = 2000;
/** What starting `ip` to look at the kernel's addresses adds. */
const lookMillis = 200;
/** On a machine so busy that the lease runs out before what is tested has begun. */
const triesMax = 3;

test("a holder whose agent is killed loses the address within its lease and a second, then the other takes it", async () => {
  onTestFailed(() => console.error(pair.logs()));
  for (let round = 0; round < repetitions; round += 1) {
    const { holder, standby } = await pair.calm();
    const machine = pair.lab.machines[holder];
    const killed = now();
    await pair.lab.agents[holder].kill("SIGKILL");
    const gone = async (): Promise<boolean> =>
      !(await machine.has(serviceAddress)) && !(await machine.has(serviceAddress6));
    await until("the kernel let go", gone, { within: 10_000 });
    expect(now() - killed).toBeLessThan(leaseMillis + 1000 + lookMillis);
    await pair.lab.untilHeldBy(standby, { within: 5000 });
    await pair.answeredBy(standby);
    expect(await pair.doubles(killed)).toEqual([]);
  }
});

test("an agent that is killed and starts again within half a second goes on holding, and no request fails", async () => {
  onTestFailed(() => console.error(pair.logs()));
  let tooSlow = 0;
  for (let round = 0; round < repetitions + tooSlow; round += 1) {
    const { holder } = await pair.calm();
    const agent = pair.lab.agents[holder];
    const epoch = (await agent.status())?.epoch;
    const starts = startsOf(agent.log());
    const killed = now();
    await agent.kill("SIGKILL");
    await pause(300);
    await agent.start();
    await until("the agent has started", () => startsOf(agent.log()) > starts, { within: 10_000 });
    if (now() - killed > leaseMillis - 300 && tooSlow < triesMax) {
      tooSlow += 1;
      expect(await pair.doubles(killed)).toEqual([]);
      continue;
    }
    await agent.untilRole("holding", 5000);
    await pause(leaseMillis + 1500);
    expect(await pair.holder()).toBe(holder);
    expect((await agent.status())?.epoch).toBe(epoch);
    const span = { from: killed, to: now() };
    expect(await pair.failures(span)).toEqual([]);
    expect(begunIn(pair.client.samples, span).length).toBeGreaterThan(500);
    expect(await pair.doubles(killed)).toEqual([]);
  }
});

const startsOf = (log: string): number => log.match(/The agent of .* has started/g)?.length ?? 0;

test.each([500, 1500])("an agent that hangs for %i ms goes on holding", async (millis) => {
  onTestFailed(() => console.error(pair.logs()));
  for (let tries = 0; tries < triesMax; tries += 1) {
    const { holder } = await pair.calm();
    const agent = pair.lab.agents[holder].process;
    const start = now();
    await agent.stop();
    await pause(millis);
    agent.cont();
    const tooLong = now() - start > leaseMillis - 300;
    await pause(leaseMillis + 1500);
    expect(await pair.doubles(start)).toEqual([]);
    if (tooLong) continue;
    expect(await pair.holder()).toBe(holder);
    expect(await pair.failures({ from: start, to: now() })).toEqual([]);
    return;
  }
  throw new Error("The machine is too busy to stop a process for less than a lease");
});

test.each([3000, 10_000])(
  "an agent that hangs for %i ms never speaks beside the other, and one of them serves",
  async (millis) => {
    onTestFailed(() => console.error(pair.logs()));
    const { holder, standby } = await pair.calm();
    const agent = pair.lab.agents[holder].process;
    const start = now();
    await agent.stop();
    await pause(millis);
    if (millis > leaseMillis + 3000) expect(await pair.holder()).toBe(standby);
    agent.cont();
    await pause(3000);
    await pair.answeredBy(await pair.holder());
    expect(await pair.doubles(start)).toEqual([]);
  },
);

test("an agent whose ip -batch hangs does not put the address back when that goes on", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { holder } = await pair.calm();
  const batch = pair.lab.agents[holder].batchChild();
  expect(batch).toBeDefined();
  const start = now();
  process.kill(batch ?? 0, "SIGSTOP");
  await pause(6000);
  process.kill(batch ?? 0, "SIGCONT");
  await pause(3000);
  await pair.answeredBy(await pair.holder());
  expect(await pair.doubles(start)).toEqual([]);
});
