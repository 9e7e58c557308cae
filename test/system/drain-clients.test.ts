import { afterAll, afterEach, beforeAll, expect, onTestFailed, test } from "vitest";

import { ClientLoad } from "../../src/practice/client-load.ts";
import {
  type MachineName,
  machineNames,
  places,
  serviceAddress,
  serviceAddress6,
} from "../../src/practice/network.ts";
import { begunIn } from "../../src/practice/samples.ts";
import { Station } from "../../src/practice/station.ts";
import { now, pause, until } from "../../src/practice/wait.ts";
import { Crowd, inOneLine } from "./load/crowd.ts";
import { DrainLab, exitCodes, longTest, startLineServer } from "./load/drain-lab.ts";
import { Talkers } from "./load/talkers-load.ts";

/** Clients that are not like the others, each through a whole swap. */

let pair: DrainLab;
beforeAll(async () => {
  pair = await DrainLab.start();
  for (const name of machineNames) await startLineServers(name);
});
afterEach(() => pair.lab.client.exec(["nft", "flush", "ruleset"]));
afterAll(() => pair[Symbol.asyncDispose]());

async function startLineServers(name: MachineName): Promise<void> {
  for (const port of [81, 82]) {
    await startLineServer(pair.lab.machines[name], { name, port });
  }
}

test("a client whose neighbour entry is frozen is served and named, and then it is safe", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { holder, standby } = await pair.calm();
  const { client, agents } = pair.lab;
  const entry = ["neighbour", "replace", serviceAddress, "dev", "eth0"];
  await client.mustExec(["ip", ...entry, "lladdr", places[holder].mac, "nud", "permanent"]);
  await using load = await ClientLoad.start(client, {
    address: serviceAddress,
    mode: "http",
    perSecond: 50,
    timeout: 3000,
  });
  const from = now();
  const result = await pair.promote(standby, "--drain", "3s");
  const said = result.stdout + result.stderr;
  expect(result.code, said).toBe(exitCodes.done);
  expect(said).toContain(`${holder} is not safe to switch off: 1 neighbour still sends to it`);
  expect(agents[holder].log()).toContain(`${places.client.address} still sends here, by way of`);
  await pause(3000);
  await client.mustExec(["ip", ...entry, "lladdr", places[standby].mac, "nud", "reachable"]);
  const isSafe = async (): Promise<boolean> =>
    (await agents[holder].failover("history")).stdout.includes(`${holder} is idle`);
  await until("it is safe to switch off", isSafe, { within: 20_000, every: 500 });
  await pause(500);
  const samples = begunIn(await load.finish(), { from, to: now() });
  expect(samples.filter(({ kind }) => kind === "failure")).toEqual([]);
  expect(samples.filter(({ took }) => took > 1000)).toEqual([]);
});

test("a client that uses one source port for two services keeps both connections", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { standby } = await pair.calm();
  const talk = { count: 1, every: 100, localPort: 40_000 };
  const options = (port: number) => ({ address: serviceAddress, talks: [{ ...talk, port }] });
  await using before = await Talkers.start(pair.lab.client, options(81));
  await using load = await ClientLoad.start(pair.lab.client, {
    address: serviceAddress,
    mode: "http",
    perSecond: 50,
    timeout: 3000,
  });
  expect(load.samples.length).toBeGreaterThan(0);
  const swap = pair.promote(standby);
  await pair.untilWord(standby, ["diverting", "serving", "proved"]);
  await using since = await Talkers.start(pair.lab.client, options(82));
  await pair.untilWord(standby, ["draining"]);
  await before.heardAgain();
  await since.heardAgain();
  expect([before.told, since.told]).toMatchObject([{ broken: [] }, { of: { [standby]: 1 } }]);
  await before.close();
  expect((await swap).stdout).toContain("safe to switch off");
  await since.heardAgain();
  expect(since.told.broken).toEqual([]);
});

longTest("clients behind a smaller MTU download during every phase", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { standby } = await pair.calm();
  const far = await farStation();
  const only = { newPerSecond: 20, keepAlive: 0, downloads: 5, datagrams: false };
  await using four = await Crowd.start(far, { ...only, address: serviceAddress });
  await using six = await Crowd.start(far, { ...only, address: serviceAddress6 });
  await pause(3000);
  const from = now();
  const swap = pair.promote(standby, "--drain", "20s");
  let over = false;
  void swap.finally(() => {
    over = true;
  });
  while (!over) {
    // What the kernels learnt of the path is forgotten: they have to be told again in each phase.
    for (const name of machineNames) {
      for (const family of ["-4", "-6"]) {
        await pair.lab.machines[name].exec(["ip", family, "route", "flush", "cache"]);
      }
    }
    await pause(500);
  }
  expect((await swap).code).toBe(exitCodes.done);
  await pause(7000);
  const told = await pair.lab.machines[standby].mustExec(["nstat", "-asz", "IcmpInDestUnreachs"]);
  for (const crowd of [four, six]) {
    const figures = await crowd.figures({ from, to: now() });
    console.log(`behind an MTU of 1400: ${inOneLine(figures)}`);
    expect(figures.failed).toEqual([]);
    expect(figures.broken).toEqual([]);
    expect(figures.downloads).toBeGreaterThan(5);
  }
  expect(Number(/IcmpInDestUnreachs\s+(\d+)/.exec(told)?.[1])).toBeGreaterThan(0);
});

longTest("a third of SYN-ACKs lost through a whole swap: nobody fails", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { standby } = await pair.calm();
  const { client } = pair.lab;
  await dropAtClient("tcp flags & (syn | ack) == (syn | ack) numgen random mod 100 < 30 drop");
  await using load = await ClientLoad.start(client, {
    address: serviceAddress,
    mode: "http",
    perSecond: 400,
    timeout: 60_000,
  });
  await pause(3000);
  const result = await pair.promote(standby, "--drain", "60s");
  expect(result.code, result.stdout + result.stderr).toBe(exitCodes.done);
  await client.exec(["nft", "flush", "ruleset"]);
  const samples = await load.finish();
  const slow = samples.filter(({ took }) => took > 900).length;
  console.log(`${samples.length} connections, ${slow} of which waited for a repetition`);
  expect(samples.length).toBeGreaterThan(2000);
  expect(slow).toBeGreaterThan(samples.length / 10);
  expect(samples.filter(({ kind }) => kind === "failure")).toEqual([]);
});

async function dropAtClient(rule: string): Promise<void> {
  const chain = `table inet loss { chain in { type filter hook input priority 0; ${rule}; }; }`;
  await pair.lab.client.mustExec(["nft", chain]);
}

/** Beyond the gateway, which can send frames of 1400 bytes there, and tells whoever sends more. */
async function farStation(): Promise<Station> {
  const { anchor, gateway } = pair.lab;
  await anchor.script(
    [
      "set -e",
      "ip netns add far",
      "ip -n gateway link add far0 mtu 1400 type veth peer name eth0 netns far mtu 1500",
      "ip -n gateway address add 10.97.0.1/24 dev far0",
      "ip -n gateway address add fd97::1/64 dev far0 nodad",
      "ip -n gateway link set far0 up",
      "ip -n far address add 10.97.0.2/24 dev eth0",
      "ip -n far address add fd97::2/64 dev eth0 nodad",
      "ip -n far link set lo up",
      "ip -n far link set eth0 up",
      "ip -n far route add default via 10.97.0.1",
      "ip -n far route add ::/0 via fd97::1",
    ].join("\n"),
  );
  const far = new Station(anchor, "far");
  await until("the far client reaches the gateway", async () => {
    const { ok } = await far.exec(["ping", "-c1", "-W1", "fd97::1"]);
    return ok && (await gateway.exec(["ping", "-c1", "-W1", "10.97.0.2"])).ok;
  });
  return far;
}
