import { expect, onTestFailed, test } from "vitest";

import { Lab } from "../../src/practice/lab.ts";
import { doubleAnswers, NeighbourWatch } from "../../src/practice/neighbour-watch.ts";
import { places, serviceAddress, serviceAddress6 } from "../../src/practice/network.ts";
import { pause, until } from "../../src/practice/wait.ts";
import { repetitions } from "./pair.ts";

const startedLab = async (): Promise<Lab> => {
  const lab = await Lab.create();
  await lab.startWebs();
  await lab.startAgents();
  return lab;
};

test("of two machines that start together the first in nodes takes the address, and it alone", async () => {
  for (let round = 0; round < repetitions; round += 1) {
    await using lab = await Lab.create();
    onTestFailed(() => console.error(lab.agents.primary.log(), lab.agents.backup.log()));
    await using watch = await NeighbourWatch.start(lab.observer, [serviceAddress, serviceAddress6]);
    await lab.startWebs();
    await lab.startAgents();
    await lab.untilHeldBy("primary", { within: 20_000 });
    await lab.agents.backup.untilRole("standby");
    await pause(1000);
    expect(await lab.holders()).toEqual(["primary"]);
    expect(doubleAnswers(await watch.finish())).toEqual([]);
  }
});

test("a machine that starts alone takes the address after its bootTime, the second in nodes too", async () => {
  await using lab = await Lab.create({ configuration: { bootTime: "1s" } });
  onTestFailed(() => console.error(lab.agents.backup.log()));
  await lab.machines.primary.powerCut();
  await lab.webs.backup.start();
  await lab.agents.backup.start();
  const took = await lab.untilHeldBy("backup", { within: 15_000 });
  expect(took).toBeGreaterThan(1000);
});

test("a gateway that answers for every address, dead ones too, prevents no takeover", async () => {
  await using lab = await Lab.create();
  onTestFailed(() => console.error(lab.agents.backup.log()));
  await lab.gateway.mustExec(["sh", "-c", proxyArp]);
  await lab.startWebs();
  await lab.startAgents();
  await lab.untilHeldBy("primary", { within: 20_000 });
  await lab.agents.backup.untilRole("standby");
  await pause(3000);
  await lab.machines.primary.powerCut();
  await lab.untilHeldBy("backup", { within: 10_000 });
});

test("a third machine that claims the address keeps the standby from taking it, and is named", async () => {
  await using lab = await startedLab();
  onTestFailed(() => console.error(lab.agents.backup.log()));
  await lab.untilHeldBy("primary", { within: 20_000 });
  await lab.agents.backup.untilRole("standby");
  // In one go: the stranger's claim is there when the standby asks, and was not while the holder was well.
  await lab.machines.primary.powerCut();
  await lab.observer.mustExec(["ip", "address", "add", `${serviceAddress}/32`, "dev", "eth0"]);
  await pause(3000);
  expect(await lab.holders()).toEqual([]);
  const status = await lab.agents.backup.status();
  const sentences = status?.alerts.map(({ sentence }) => sentence).join("\n");
  expect(sentences).toContain(places.observer.mac);

  await lab.observer.mustExec(["ip", "address", "del", `${serviceAddress}/32`, "dev", "eth0"]);
  await lab.untilHeldBy("backup", { within: 15_000 });
});

test("an address that somebody removes by hand is put back at once, and the agents do not move it", async () => {
  await using lab = await startedLab();
  onTestFailed(() => console.error(lab.agents.primary.log()));
  await lab.untilHeldBy("primary", { within: 20_000 });
  await lab.agents.backup.untilRole("standby");
  const { primary } = lab.machines;
  await primary.mustExec(["ip", "address", "del", `${serviceAddress}/32`, "dev", "eth0"]);
  await until("it is back", () => primary.has(serviceAddress), { within: 1000 });
  await pause(1000);
  expect(await lab.holders()).toEqual(["primary"]);
});

const proxyArp = [
  "echo 1 > /proc/sys/net/ipv4/conf/eth0/proxy_arp_pvlan",
  "echo 0 > /proc/sys/net/ipv4/neigh/eth0/proxy_delay",
].join("\n");
