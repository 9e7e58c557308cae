import { renameSync } from "node:fs";
import { expect, test } from "vitest";

import { Lab } from "../../src/practice/lab.ts";
import { places, serviceAddress } from "../../src/practice/network.ts";
import { until } from "../../src/practice/wait.ts";

const isIn = (text: string) => (found: string) => found.includes(text);

test("what an agent has trouble with is an alert while it lasts, and is not when it is mended", async () => {
  await using lab = await Lab.create();
  await lab.startWebs();
  await lab.startAgents();
  await lab.untilHeldBy("primary", { within: 20_000 });
  const { primary } = lab.machines;
  const alerts = async (): Promise<readonly string[]> =>
    (await lab.agents.primary.status())?.alerts.map(({ sentence }) => sentence) ?? ["no answer"];
  const shows = (text: string) =>
    until(`the alert ${text}`, async () => (await alerts()).some(isIn(text)), { within: 20_000 });
  const hides = (text: string) =>
    until(`no alert ${text}`, async () => !(await alerts()).some(isIn(text)), { within: 30_000 });
  // One agent was there before the other, and says so for some seconds.
  await until("no alert", async () => (await alerts()).length === 0, { within: 30_000 });

  const log = lab.webs.primary.accessLog;
  renameSync(log, `${log}.away`);
  await shows("Cannot read /run/log/access.log: there is no such file");
  renameSync(`${log}.away`, log);
  await hides("access.log");

  const path = `Cannot use the path from ${places.primary.cable} to ${places.backup.cable}: EPERM`;
  const rule = `ip daddr ${places.backup.cable} udp dport 694`;
  await primary.mustExec(["nft", "add table inet fault"]);
  await primary.mustExec([
    "nft",
    "add chain inet fault out { type filter hook output priority 0; }",
  ]);
  // Every second beat is refused, which is one trouble and not fifty.
  await primary.mustExec(["nft", `add rule inet fault out ${rule} numgen inc mod 2 0 drop`]);
  await shows(path);
  await primary.mustExec(["nft", "delete table inet fault"]);
  await hides(path);
  await until("the end in the log", () => lab.agents.primary.log().includes(`Over: ${path}`));
  expect(lab.agents.primary.log().split(`warning ${path}`).length).toBe(2);

  await primary.mustExec(["ip", "address", "del", `${serviceAddress}/32`, "dev", "eth0"]);
  await shows(`Another program removed ${serviceAddress} from eth0`);
});
