import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";

import {
  type MachineName,
  machineNames,
  other,
  places,
  serviceAddress,
} from "../../src/practice/network.ts";
import { changeover } from "../../src/practice/samples.ts";
import { now, pause, until } from "../../src/practice/wait.ts";
import { Pair } from "./pair.ts";

/** The service has an interface of its own, and the machines hear each other over the cable alone. */

const route = "198.51.100.0/24";

const configuration = {
  address: serviceAddress,
  takeover: "link",
  routes: [`${route} via ${places.gateway.address}`],
  witness: "none",
  nodes: Object.fromEntries(
    machineNames.map((name) => [
      name,
      { interface: "eth0", paths: [places[name].cable], accessLog: "/run/log/access.log" },
    ]),
  ),
};

let pair: Pair;
beforeAll(async () => {
  pair = await Pair.start({ configuration });
});
afterAll(() => pair[Symbol.asyncDispose]());

const shown = (name: MachineName, ...words: readonly string[]): Promise<string> =>
  pair.lab.machines[name].mustExec(["ip", ...words]);

const isUp = async (name: MachineName): Promise<boolean> =>
  /<[^>]*\bUP\b/.test(await shown(name, "link", "show", "dev", "eth0"));

const hasRoute = async (name: MachineName): Promise<boolean> =>
  (await shown(name, "route", "show")).includes(route);

/** The kernels' word on who has what. */
async function expectAlone(holder: MachineName): Promise<void> {
  const standby = other(holder);
  await pair.lab.untilHeldBy(holder, { within: 10_000 });
  await until(`${standby} has put its interface down`, async () => !(await isUp(standby)), {
    within: 10_000,
  });
  await until(`${holder} has the route`, () => hasRoute(holder), { within: 3000 });
  expect(await isUp(holder)).toBe(true);
  expect(await hasRoute(standby)).toBe(false);
}

test("the interface is up on the machine that holds, and down on the other", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { holder } = await pair.calm();
  await expectAlone(holder);
  await pair.answeredBy(holder);
});

test("a machine that loses its power is followed by the other, interface and routes", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { holder, standby } = await pair.calm();
  await expectAlone(holder);
  const cut = now();
  await pair.lab.machines[holder].powerCut();
  await pair.answeredBy(standby, 10_000);
  expect(await isUp(standby)).toBe(true);
  await until("the route", () => hasRoute(standby), { within: 3000 });
  const outage = changeover(pair.client.samples, holder, standby, { from: cut - 200, to: now() });
  console.log(`outage ${outage?.millis.toFixed(0)} ms`);
  expect((await pair.calm()).holder).toBe(standby);
  await expectAlone(standby);
  expect(await pair.doubles(cut)).toEqual([]);
});

test("a planned swap fails no request: the target's interface is up before anything moves", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { holder, standby } = await pair.calm();
  await pause(1000);
  const from = now();
  const result = await pair.lab.agents[holder].failover("promote", standby);
  expect(result.code, `${result.stdout}${result.stderr}`).toBe(0);
  await expectAlone(standby);
  const span = { from, to: now() };
  expect(await pair.failures(span)).toEqual([]);
  expect(await pair.doubles(from)).toEqual([]);
  const move = changeover(pair.client.samples, holder, standby, { ...span, from: from - 500 });
  console.log(`gap ${move?.millis.toFixed(1)} ms`);
  expect(move?.millis ?? Infinity).toBeLessThan(1000);
});

test("a target whose web server is down is refused, and its interface goes down again", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { holder, standby } = await pair.calm();
  const from = now();
  await pair.lab.webs[standby].stop();
  const result = await pair.lab.agents[holder].failover("promote", standby);
  expect(result.code, `${result.stdout}${result.stderr}`).toBe(3);
  await expectAlone(holder);
  expect(await pair.failures({ from, to: now() })).toEqual([]);
});

test("an interface that a person puts down is up again, and nothing moves", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { holder } = await pair.calm();
  // Its coming up at the last move is no excuse any more.
  await pause(6500);
  const from = now();
  const epoch = (await pair.lab.agents[holder].status())?.epoch;
  await shown(holder, "link", "set", "dev", "eth0", "down");
  await until("its being up", () => isUp(holder), { within: 5000 });
  await pair.answeredBy(holder);
  await pause(2000);
  await expectAlone(holder);
  expect((await pair.lab.agents[holder].status())?.epoch).toBe(epoch);
  expect(await pair.doubles(from)).toEqual([]);
});

test("an agent that is killed leaves a kernel that lets go, and the other waits for it", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { holder, standby } = await pair.calm();
  const from = now();
  await pair.lab.agents[holder].kill();
  await pair.answeredBy(standby, 15_000);
  await pair.lab.untilHeldBy(standby, { within: 5000 });
  expect(await pair.doubles(from)).toEqual([]);
  expect((await pair.calm()).holder).toBe(standby);
  await expectAlone(standby);
});

test("what an agent that is gone left behind goes with cleanup", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { holder } = await pair.calm();
  await pair.lab.agents[holder].kill();
  const { code, stdout } = await pair.lab.machines[holder].exec(["/run/bin/failover", "cleanup"]);
  expect(code, stdout).toBe(0);
  expect(stdout).toContain("ip link set dev eth0 down");
  expect(await isUp(holder)).toBe(false);
  expect(await hasRoute(holder)).toBe(false);
  await pair.calm();
});
