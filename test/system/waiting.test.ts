import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";

import type { Status } from "../../src/cli/status.ts";
import type { MachineName } from "../../src/practice/network.ts";
import { until } from "../../src/practice/wait.ts";
import { Pair } from "./pair.ts";

let pair: Pair;
beforeAll(async () => {
  pair = await Pair.start({ configuration: { swap: { mode: "cut", verifyTime: "5s" } } });
});
afterAll(() => pair[Symbol.asyncDispose]());

const waitingOn = async (name: MachineName): Promise<Status["waiting"]> =>
  (await pair.lab.agents[name].status())?.waiting ?? [];

const historyOf = async (name: MachineName): Promise<string> =>
  (await pair.lab.agents[name].failover("history", "--state-dir", "/run/lib/failover")).stdout;

/** Types `promote NODE --at WHEN` and answers with the id of the swap. */
async function letWait(node: MachineName, on: MachineName, when: string): Promise<string> {
  const result = await pair.lab.agents[on].failover("promote", node, "--at", when, "--json");
  expect(result.code, result.stdout + result.stderr).toBe(0);
  const { id, kept } = JSON.parse(result.stdout) as { id: string; kept: boolean };
  expect(kept).toBe(true);
  return id;
}

test("a swap waits through a restart of its agent, and happens at its hour; the other machine's is done already", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { holder, standby } = await pair.calm();
  const id = await letWait(standby, standby, "+10s");
  const second = await letWait(standby, holder, "+25s");
  const agent = pair.lab.agents[standby];
  await agent.kill("SIGKILL");
  await agent.start();
  await agent.untilRole("standby");
  expect(await waitingOn(standby)).toMatchObject([{ id, node: standby, kept: true }]);
  await pair.lab.untilHeldBy(standby, { within: 60_000 });
  const done = async (): Promise<boolean> => (await agent.status())?.lastHandover?.id === id;
  await until("the waiting swap is done", done, { within: 20_000, every: 200 });
  expect((await agent.status())?.lastHandover?.outcome).toBe("done");
  const gone = async (): Promise<boolean> => (await waitingOn(holder)).length === 0;
  await until("nothing waits any more", gone, { within: 60_000, every: 200 });
  expect(await historyOf(holder)).toContain(
    `(${second}) is done already: ${standby} holds the address`,
  );
  expect(await pair.holder()).toBe(standby);
});

test("a swap whose hour finds something failed is refused, and nothing has moved", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { holder, standby } = await pair.calm();
  const id = await letWait(standby, holder, "+5s");
  await pair.lab.machines[standby].powerCut();
  const refused = async (): Promise<boolean> =>
    (await historyOf(holder)).includes(`(${id}) is refused, nothing has moved: `);
  await until("the waiting swap is refused", refused, { within: 60_000, every: 500 });
  expect(await historyOf(holder)).toMatch(/nothing has moved: .*path: .*the other machine was/);
  expect(await waitingOn(holder)).toEqual([]);
  expect(await pair.holder()).toBe(holder);
});
