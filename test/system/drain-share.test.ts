import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";

import { ClientLoad } from "../../src/practice/client-load.ts";
import { type MachineName, machineNames, serviceAddress } from "../../src/practice/network.ts";
import { now, pause, until } from "../../src/practice/wait.ts";
import { loadScript } from "./load/crowd.ts";
import { DrainLab, exitCodes, startLineServer, thorough } from "./load/drain-lab.ts";
import type { Asked } from "./load/sources.ts";
import { Talkers } from "./load/talkers-load.ts";

/** How long downloads rest in the middle, in milliseconds; 600,000 for the full measurement. */
const idle = Number(process.env["IDLE"] ?? 12_000);

let pair: DrainLab;
beforeAll(async () => {
  pair = await DrainLab.start();
  for (const name of machineNames) {
    await startLineServer(pair.lab.machines[name], { name, port: 81 });
  }
});
afterAll(() => pair[Symbol.asyncDispose]());

test(
  "a share of 20 % is a fifth of new connections, each wholly on one machine, with loss; idle ones stay",
  async () => {
    onTestFailed(() => console.error(pair.logs()));
    const { holder, standby } = await pair.calm();
    const { client } = pair.lab;
    const load = { address: serviceAddress, mode: "http", timeout: 60_000 } as const;
    await using asking = await ClientLoad.start(client, { ...load, perSecond: 250 });
    await pause(1000);
    const span = `${idle / 1000 + 15}s`;
    const held = pair.promote(standby, "--share", "20%", "--for", span);
    await pair.untilWord(holder, ["diverting", "serving", "proved"]);
    const drop = "numgen random mod 100 < 5 drop";
    await client.mustExec([
      "nft",
      `table inet loss {
      chain in { type filter hook input priority 0; meta l4proto tcp ${drop}; }
      chain out { type filter hook output priority 0; meta l4proto tcp ${drop}; }
    }`,
    ]);
    const from = now();
    const talks = [{ port: 81, count: 30, every: 0, pause: idle }];
    await using downloads = await Talkers.start(client, { address: serviceAddress, talks });
    await until("all downloads ended", () => downloads.told.downloads === 30, {
      within: idle + 10_000,
    });
    const counted = thorough ? 5000 : 3000;
    const begun = () => asking.samples.filter(({ at, took }) => at - took > from);
    await until("enough was asked", () => begun().length >= counted, { within: 30_000 });
    const to = now();
    await client.exec(["nft", "flush", "ruleset"]);
    const result = await held;
    expect(result.code, result.stdout + result.stderr).toBe(exitCodes.done);
    await asking.finish();
    const all = begun().filter(({ at, took }) => at - took < to);
    const there = all.filter((sample) => sample.kind === "answer" && sample.who === standby).length;
    const share = there / all.length;
    console.log(
      `${there} of ${all.length} at the target: ${(share * 100).toFixed(1)} %; downloads idle for ${idle / 1000} s: ${JSON.stringify(downloads.told.of)}`,
    );
    expect(all.filter(({ kind }) => kind === "failure")).toEqual([]);
    expect(share).toBeGreaterThan(0.17);
    expect(share).toBeLessThan(0.23);
    expect(downloads.told.broken).toEqual([]);
    expect(Object.keys(downloads.told.of).sort()).toEqual(["backup", "primary"]);
  },
  240_000 + idle,
);

test("a preview shows the standby to the tester, and none of a thousand others sees it", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { holder, standby } = await pair.calm();
  const { client, machines, agents } = pair.lab;
  const tester = "10.96.0.1";
  // Any address of the network is the client's own.
  await client.mustExec(["ip", "route", "replace", "local", "10.96.0.0/16", "dev", "lo"]);
  for (const name of machineNames) {
    await machines[name].mustExec(["ip", "route", "replace", "10.96.0.0/16", "dev", "eth0"]);
  }
  const others = Array.from({ length: 1000 }, (_, i) => `10.96.${1 + (i >> 8)}.${i & 255}`);
  const sources = others.flatMap((other, i) => (i % 10 === 0 ? [tester, other] : [other]));
  const asked: Asked[] = [];
  const options = { address: serviceAddress, sources, every: 3 };
  await using process = await client.spawn(loadScript("sources", options));
  process.onLine((line) => asked.push(JSON.parse(line) as Asked));
  await pause(500);
  const order = await agents[holder].failover("preview", "--from", tester, "--for", "60s");
  expect(order.code, order.stderr).toBe(exitCodes.done);
  const by = (source: string, who: string) => (one: Asked) =>
    one.who === who && one.source === source;
  await until("the tester sees the standby", () => asked.some(by(tester, standby)), {
    within: 20_000,
  });
  const since = asked.length;
  await until("everybody asked", () => asked.length > since + sources.length, { within: 20_000 });
  expect((await agents[holder].failover("preview", "--stop")).code).toBe(exitCodes.done);
  const during = asked.slice(since, since + sources.length);
  const testers = during.filter(({ source }) => source === tester);
  expect(new Set(testers.map(({ who }) => who))).toEqual(new Set([standby]));
  const rest = asked.filter(({ source }) => source !== tester);
  expect(rest.filter(({ who }) => who !== holder)).toEqual([]);
  expect(new Set(during.map(({ source }) => source)).size).toBe(1001);
  await until("the tester is home", () =>
    by(tester, holder)(asked.findLast(from(tester)) as Asked),
  );
});

const from =
  (source: string) =>
  (one: Asked): boolean =>
    one.source === source;

test("a service behind a translated port, as a container's is, is drained", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { holder, standby } = await pair.calm();
  for (const name of machineNames) await startContainer(name);
  const { client, agents } = pair.lab;
  const talks = [{ port: 8080, count: 20, every: 100 }];
  await using asking = await ClientLoad.start(client, {
    address: serviceAddress,
    mode: "http",
    perSecond: 50,
    timeout: 3000,
  });
  expect(asking.samples.length).toBeGreaterThan(0);
  await using before = await Talkers.start(client, { address: serviceAddress, talks });
  const swap = pair.promote(standby, "--drain", "60s");
  await pair.untilWord(holder, ["draining"]);
  await using since = await Talkers.start(client, { address: serviceAddress, talks });
  await before.heardAgain();
  await since.heardAgain();
  expect([before.told, since.told]).toMatchObject([
    { broken: [], of: { [holder]: 20 } },
    { broken: [], of: { [standby]: 20 } },
  ]);
  await until("they are counted", async () => {
    const handover = (await agents[holder].status())?.handover;
    return handover?.connections.from === 20;
  });
  await before.close();
  const result = await swap;
  expect(result.stdout).toContain("safe to switch off");
  await since.heardAgain();
  expect(since.told.broken).toEqual([]);
});

/** As Docker publishes a port: a network of its own, and a rule that translates to it. */
async function startContainer(name: MachineName): Promise<void> {
  const { anchor, machines } = pair.lab;
  await anchor.script(
    [
      "set -e",
      `ip netns add inner-${name}`,
      `ip -n ${name} link add docker0 type veth peer name eth0 netns inner-${name}`,
      `ip -n ${name} address add 172.17.0.1/16 dev docker0`,
      `ip -n ${name} link set docker0 up`,
      `ip -n inner-${name} address add 172.17.0.2/16 dev eth0`,
      `ip -n inner-${name} link set eth0 up`,
      `ip -n inner-${name} route add default via 172.17.0.1`,
    ].join("\n"),
  );
  const machine = machines[name];
  await machine.mustExec(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
  await machine.mustExec([
    "nft",
    `table ip nat {
      chain pre {
        type nat hook prerouting priority -100;
        fib daddr type local tcp dport 8080 dnat to 172.17.0.2:81;
      }
    }`,
  ]);
  const enter = ["nsenter", `--net=/run/netns/inner-${name}`];
  await startLineServer(pair.lab.gateway, { name, port: 81 }, enter);
}
