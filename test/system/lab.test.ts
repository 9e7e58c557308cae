import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

import { ClientLoad } from "../../src/practice/client-load.ts";
import { Lab } from "../../src/practice/lab.ts";
import { doubleAnswers, NeighbourWatch } from "../../src/practice/neighbour-watch.ts";
import { places, serviceAddress, serviceAddress6 } from "../../src/practice/network.ts";
import { ownScript } from "../../src/practice/own-script.ts";
import { commandLineOf, isAlive } from "../../src/practice/proc.ts";
import { changeover, longestSilence } from "../../src/practice/samples.ts";
import type { Station } from "../../src/practice/station.ts";
import { now, pause, until } from "../../src/practice/wait.ts";

/** By hand, as an administrator would: these tests are of the lab, not of the agents. */
const change = (verb: "add" | "del", station: Station): Promise<string> =>
  station.mustExec(["ip", "-batch", "-"], {
    input: [
      `address ${verb} ${serviceAddress}/32 dev eth0`,
      `address ${verb} ${serviceAddress6}/128 dev eth0 ${verb === "add" ? "nodad" : ""}`,
      "",
    ].join("\n"),
  });

const announce = (station: Station) =>
  station.spawn(["arping", "-U", "-c", "1", "-I", "eth0", serviceAddress]);

const pings = async (from: Station, address: string): Promise<boolean> =>
  (await from.exec(["ping", "-c", "1", "-W", "1", address])).ok;

const carrier = async (station: Station, device: string): Promise<boolean> =>
  !(await station.mustExec(["ip", "link", "show", "dev", device])).includes("NO-CARRIER");

test("everybody reaches everybody, over IPv4, IPv6 and the cable, and nobody else", async () => {
  await using lab = await Lab.create();
  const { primary, backup } = lab.machines;
  expect(await pings(lab.client, places.primary.address)).toBe(true);
  expect(await pings(lab.client, places.backup.address6)).toBe(true);
  expect(await pings(primary, places.backup.cable ?? "")).toBe(true);
  expect(await pings(backup, places.gateway.address)).toBe(true);
  expect(await lab.gateway.mustExec(["ip", "route", "show", "default"])).toBe("");
});

test("a power cut kills every process and both links at once; what comes back knows nothing but its disk", async () => {
  await using lab = await Lab.create();
  const { primary, backup } = lab.machines;
  await lab.startWebs();
  await change("add", primary);
  await primary.mustExec(["nft", "add table ip left-over"]);
  await primary.mustExec(["sh", "-c", "echo kept > /run/lib/state; echo lost > /run/failover/x"]);
  const sleeping = await primary.spawn(["sleep", "1000"]);

  await primary.powerCut();
  expect(isAlive(sleeping.pid)).toBe(false);
  expect(await carrier(backup, "eth1")).toBe(false);
  expect(await carrier(backup, "eth0")).toBe(true);
  expect(await pings(lab.client, serviceAddress)).toBe(false);

  await primary.powerBack();
  expect(await primary.addresses()).toEqual(
    expect.arrayContaining([`${places.primary.address}/24`]),
  );
  expect(await primary.has(serviceAddress)).toBe(false);
  expect(await primary.mustExec(["nft", "list", "tables"])).toBe("");
  expect(readFileSync(primary.path("lib/state"), "utf8")).toBe("kept\n");
  expect((await primary.exec(["ls", "/run/failover/x"])).ok).toBe(false);
  expect(await carrier(backup, "eth1")).toBe(true);
  expect(await pings(backup, places.primary.address)).toBe(true);
});

test("a pulled plug takes the carrier of its own end, a pulled cable that of both", async () => {
  await using lab = await Lab.create();
  const { primary, backup } = lab.machines;
  await primary.pull();
  expect(await carrier(primary, "eth0")).toBe(false);
  expect(await carrier(backup, "eth0")).toBe(true);
  await primary.plugIn();
  await lab.switch.pull("cable");
  expect(await carrier(primary, "eth0")).toBe(true);
  expect(await carrier(primary, "eth1")).toBe(false);
  expect(await carrier(backup, "eth1")).toBe(false);
});

test("a cut hits one direction of one path, and ends when it is disposed of", async () => {
  await using lab = await Lab.create();
  const { primary, backup } = lab.machines;
  const cable = places.backup.cable ?? "";
  {
    await using _cut = await lab.faults.add({ from: "primary", to: "backup", path: "service" });
    expect(await pings(primary, places.backup.address)).toBe(false);
    expect(await pings(primary, cable)).toBe(true);
    expect(await pings(backup, places.gateway.address)).toBe(true);
  }
  expect(await pings(primary, places.backup.address)).toBe(true);
  await using _arp = await lab.faults.add({ from: "primary", what: "arp" });
  await backup.mustExec(["ip", "neigh", "flush", "dev", "eth1"]);
  expect(await pings(backup, places.primary.cable ?? "")).toBe(false);
});

test.each(["nginx", "own"] as const)(
  "%s serves, errs, hides its log and stops as told",
  async (web) => {
    await using lab = await Lab.create({ web });
    const { primary } = lab.webs;
    await lab.startWebs();
    const ask = async (): Promise<string> => {
      const client = await ClientLoad.start(lab.client, {
        address: places.primary.address,
        mode: "http",
        perSecond: 20,
        timeout: 1000,
      });
      const [sample] = await client.finish();
      return sample?.kind === "answer" ? sample.who : (sample?.why ?? "nothing");
    };
    const lines = (): string[] => readFileSync(primary.accessLog, "utf8").split("\n").slice(0, -1);
    expect(await ask()).toBe("primary");
    expect(lines()[0]).toMatch(
      /^10\.99\.0\.50 - - \[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET \/ HTTP\/1\.1" 200 8 "-" "client"$/,
    );
    await primary.change({ pages: "errors" });
    expect(await ask()).toBe("500");
    const seen = lines().length;
    await primary.change({ log: false });
    expect(await ask()).toBe("primary");
    expect(lines()).toHaveLength(seen);
    await primary.change({ pages: "errors-for-others" });
    expect(await ask()).toBe("500");
    await primary.stop();
    expect(await ask()).toBe("ECONNREFUSED");
  },
);

test("the client measures an outage to the millisecond, and the observer sees two answering", async () => {
  await using lab = await Lab.create();
  const { primary, backup } = lab.machines;
  for (const machine of [primary, backup]) {
    await machine.spawn(ownScript("echo-server", machine.name));
  }
  await change("add", primary);
  await using watch = await NeighbourWatch.start(lab.observer, [serviceAddress, serviceAddress6]);
  await using client = await ClientLoad.start(lab.client, {
    address: serviceAddress,
    mode: "udp",
    perSecond: 1000,
    timeout: 1000,
  });
  const cut = now();
  await primary.powerCut();
  await pause(200);
  await change("add", backup);
  await announce(backup);
  const announced = now();
  await until("the backup answers", () => {
    const last = client.samples.at(-1);
    return last?.kind === "answer" && last.who === "backup";
  });
  const span = { from: cut - 100, to: now() };
  const outage = changeover(client.samples, "primary", "backup", span)?.millis ?? 0;
  expect(outage).toBeGreaterThan(200);
  expect(outage).toBeLessThan(announced - cut + 500);
  expect(longestSilence(client.samples, span).millis).toBe(outage);
  expect(doubleAnswers(watch.samples)).toEqual([]);

  await primary.powerBack();
  await change("add", primary);
  const doubled = () => new Set(doubleAnswers(watch.samples).map(({ address }) => address));
  await until("both are seen, in both families", () => doubled().size === 2);
});

test("two labs stand side by side, with the same names and addresses", async () => {
  await using one = await Lab.create();
  await using another = await Lab.create();
  await change("add", one.machines.primary);
  expect(await one.holders()).toEqual(["primary"]);
  expect(await another.holders()).toEqual([]);
  expect(await pings(another.client, serviceAddress)).toBe(false);
});

test("a process that is stopped stops, and goes on when continued", async () => {
  await using lab = await Lab.create();
  const ticking = await lab.machines.primary.spawn([
    "sh",
    "-c",
    "while sleep 0.02; do echo t; done",
  ]);
  let ticks = 0;
  ticking.onLine(() => {
    ticks += 1;
  });
  await until("it ticks", () => ticks > 2);
  await ticking.stop();
  await pause(50);
  const stopped = ticks;
  await pause(200);
  expect(ticks).toBe(stopped);
  ticking.cont();
  await until("it ticks again", () => ticks > stopped + 2);
});

test("nothing is left of a lab whose maker is killed with SIGKILL", async () => {
  const maker = spawn(process.execPath, [...tsxLoader, labMaker], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(maker.stdout, "data")) as [Buffer];
  const marker = line.toString().trim();
  expect(processesWith(marker).length).toBeGreaterThan(0);
  const interfaces = execFileSync("ip", ["-br", "link"], { encoding: "utf8" });
  expect(interfaces).not.toContain("service");
  maker.kill("SIGKILL");
  await until("all of it is gone", () => !processesWith(marker).some(isAlive));
});

/** All pids whose command line contains the text. */
const processesWith = (fragment: string): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => commandLineOf(pid).includes(fragment));

const labMaker = new URL("./lab-maker.ts", import.meta.url).pathname;

/** How a TypeScript file is run as it is. */
const tsxLoader = ownScript("prober").slice(1, -1);
