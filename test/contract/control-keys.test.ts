import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";

import { addKey, readKeyFile } from "../../src/cli/key-file.ts";
import { aStatus, type Scratch } from "../unit/cli-fixtures.ts";
import { failover, openStage, type StageAgent } from "./control-fixtures.ts";

/** Ids are the first byte of the SHA-256: 102 and 2. */
const old = "00".repeat(32);
const next = "11".repeat(32);

let place: Scratch;
let agent: StageAgent;
let where: readonly string[];
/** What the peer says it signs with, and its newest. */
let peer: { signed: number; newest: number } | null;
/** SIGHUP reaches this process, which stands for the agent. */
const reread = () => void sayKeys();

async function sayKeys(): Promise<void> {
  const accepted = (await readKeyFile(place.path("key"))).map(({ id }) => id);
  agent.say({ keys: { accepted, peer }, agent: { ...aStatus().agent, pid: process.pid } });
}

beforeEach(async () => {
  const stage = await openStage();
  ({ place, agent } = stage);
  peer = { signed: 102, newest: 102 };
  await writeFile(place.path("key"), `${old}\n`, { mode: 0o600 });
  await writeFile(
    place.path("failover.yaml"),
    `pair: www
address: 203.0.113.10
key: ${place.path("key")}
nodes:
  primary: { interface: eth0, paths: [203.0.113.11] }
  backup: { interface: eth0, paths: [203.0.113.12] }
`,
  );
  where = ["--config", place.path("failover.yaml"), "--socket", stage.socket];
  process.on("SIGHUP", reread);
  await sayKeys();
});

afterEach(() => void process.off("SIGHUP", reread));

const keysNow = async () => (await readKeyFile(place.path("key"))).map(({ id }) => id);

test("key add makes a key, the agent reads it, and the other machine's command is printed", async () => {
  const { status, stdout } = await failover("key", "add", ...where);
  const [newest] = await keysNow();
  expect(stdout).toContain(
    `Key ${newest} is the first in ${place.path("key")}: the agent accepts it`,
  );
  expect(stdout).toContain(
    `head -n 1 ${place.path("key")} | ssh root@203.0.113.12 failover key add --stdin`,
  );
  expect(await keysNow()).toEqual([newest, 102]);
  expect(status).toBe(0);
});

test("key add says what to do where the agent has just ended", async () => {
  const { pid } = spawnSync("true");
  agent.say({ agent: { ...aStatus().agent, pid } });
  const { status, stderr } = await failover("key", "add", ...where);
  expect(stderr).toBe(
    "failover: The key file is changed, and the agent could not be told to read it: " +
      `no process has the id ${pid}; systemctl reload failover tells it, or the next one reads it\n`,
  );
  expect([status, (await keysNow()).length]).toEqual([5, 2]);
});

test("key retire waits for the word of the peer", async () => {
  await addKey(place.path("key"), next);
  await sayKeys();
  const early = await failover("key", "retire", ...where);
  expect(early.stderr).toContain(
    "Cannot retire key 102: the newest key of backup is 102, not 2; --force",
  );
  expect(early.status).toBe(3);
  peer = { signed: 2, newest: 2 };
  await sayKeys();
  const late = await failover("key", "retire", ...where);
  expect(late.stdout).toContain("Removed key 102 from ");
  expect(late.status).toBe(0);
  expect(await readFile(place.path("key"), "utf8")).toBe(`${next}\n`);
});

test("key retire does not believe in silence", async () => {
  await addKey(place.path("key"), next);
  peer = null;
  await sayKeys();
  const { status, stderr } = await failover("key", "retire", ...where);
  expect(stderr).toContain("backup is not heard, so nobody knows what it accepts");
  expect(status).toBe(3);
  expect(await keysNow()).toEqual([2, 102]);
});

test("key rotate goes on by itself as soon as the peer signs with the new key", async () => {
  const rotation = failover("key", "rotate", ...where);
  const watch = setInterval(() => {
    void keysNow().then(([newest = 0, second]) => {
      if (second === undefined) return;
      peer = { signed: newest, newest };
      void sayKeys();
    });
  }, 50);
  const { status, stdout } = await rotation;
  clearInterval(watch);
  const [newest, ...others] = await keysNow();
  expect(others).toEqual([]);
  expect(stdout).toContain(`3. backup signs with key ${newest}`);
  expect(stdout).toContain("ssh root@203.0.113.12 failover key retire");
  expect(status).toBe(0);
});

test("key rotate that is given up leaves both keys, and says how to go on", async () => {
  const { status, stderr } = await failover("key", "rotate", "--wait", "1", ...where);
  expect(stderr).toContain("Stopped waiting: the newest key of backup is 102");
  expect(status).toBe(5);
  expect(await keysNow()).toHaveLength(2);
});

test("key list tells who uses which key", async () => {
  await addKey(place.path("key"), next);
  const { stdout } = await failover("key", "list", ...where);
  expect(stdout).toBe(
    "key 2    the newest, not read by the agent yet: kill -HUP makes it\n" +
      "key 102  accepted by the agent, backup signs with it\n",
  );
});
