import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";

import { mustRun } from "../../src/practice/command.ts";
import { pause, until } from "../../src/practice/wait.ts";
import { createNetwork, Machine, prepareImage, startEngine } from "./containers.ts";

const address = "10.91.0.100";
const configuration = `pair: www
address: ${address}
key: /etc/failover/key
nodes:
  primary: { interface: eth0, paths: [10.91.0.11, 10.92.0.11] }
  backup: { interface: eth0, paths: [10.91.0.12, 10.92.0.12] }
witness: [10.91.0.13]
# Three machines and the load of this test on two cores: an agent may need seconds to start.
lease: 5s
`;

const names = ["primary", "backup"] as const;
type Name = (typeof names)[number];

const share = mkdtempSync(join(tmpdir(), "failover-share-"));
const opened: AsyncDisposable[] = [];
let machines: Readonly<Record<Name, Machine>>;
let client: Machine;

beforeAll(async () => {
  keep(await startEngine());
  await prepareImage();
  await buildPackages();
  keep(await createNetwork({ name: "failover-service", subnet: "10.91.0.0/24" }));
  keep(await createNetwork({ name: "failover-cable", subnet: "10.92.0.0/24" }));
  machines = { primary: await start("primary", 11), backup: await start("backup", 12) };
  client = await start("client", 13);
  for (const name of names) await install(machines[name]);
  await calm();
}, 400_000);
afterAll(async () => {
  for (const one of opened.reverse()) await one[Symbol.asyncDispose]();
  rmSync(share, { recursive: true });
}, 60_000);

test("an agent that is killed twenty times under load goes on holding, and no request fails", async () => {
  onTestFailed(tellLogs);
  const { primary } = machines;
  const epoch = await primary.tell(`failover status --json | grep '"epoch"' | head -1`);
  await primary.tell("systemd-run --unit=load stress-ng --cpu 2 --io 1 --timeout 120s");
  const codes = await requestsDuring(async () => {
    for (let round = 0; round < 20; round += 1) {
      await killAgent("KILL");
      await until("the agent is back", agentIsBack, patience);
      expect(await holders()).toEqual(["primary"]);
    }
  });
  await primary.tell("systemctl stop load");
  await until("backup stands by", async () => (await role("backup")) === "standby", patience);
  expect(await primary.tell(`failover status --json | grep '"epoch"' | head -1`)).toBe(epoch);
  expect(codes).toEqual({ "200": expect.any(Number) });
});

test.each([
  ["a hanging agent, which systemd's watchdog kills,", () => killAgent("STOP")],
  ["a restart", () => machines.primary.tell("systemctl restart failover")],
  ["an upgrade of the package", () => upgrade(machines.primary)],
])("%s leaves the address where it is, and no request fails", async (_, act) => {
  onTestFailed(tellLogs);
  await calm();
  const before = await agentProcess();
  const started = await machines.backup.tell("date +%T");
  const codes = await requestsDuring(async () => {
    await act();
    await pause(5000);
  });
  await until("backup stands by", async () => (await role("backup")) === "standby", patience);
  expect(await holders()).toEqual(["primary"]);
  expect(await agentProcess()).not.toBe(before);
  const taken = `journalctl -u failover --since ${started} | grep -c Taking || true`;
  expect(await machines.backup.tell(taken)).toBe("0");
  expect(codes).toEqual({ "200": expect.any(Number) });
});

test("promote moves the service to the other machine, and back", async () => {
  onTestFailed(tellLogs);
  await calm();
  await requestsDuring(async () => {
    await machines.primary.tell("failover promote backup");
    expect(await roles()).toBe("standby holding");
    await machines.primary.tell("failover promote primary");
    expect(await roles()).toBe("holding standby");
  });
});

test("systemctl stop on the holder is a goodbye: the other takes at once, and start stands by", async () => {
  onTestFailed(tellLogs);
  await calm();
  const codes = await requestsDuring(() => machines.primary.tell("systemctl stop failover"));
  expect(await holders()).toEqual(["backup"]);
  expect(codes).toEqual({ "200": expect.any(Number) });
  await machines.primary.tell("systemctl start failover");
  await until("primary stands by", async () => (await roles()) === "standby holding", patience);
});

test("a machine that loses its power is replaced by the other", async () => {
  onTestFailed(tellLogs);
  await machines.backup.kill();
  await until("primary holds", async () => (await role("primary")) === "holding", patience);
  await client.tell(`curl --silent --fail --max-time 5 --output /dev/null http://${address}/`);
  expect(await machines.primary.tell("ip -o address show dev eth0")).toContain(`${address}/32`);
});

const patience = { within: 20_000, every: 100 };

function keep<One extends AsyncDisposable>(one: One): One {
  opened.push(one);
  return one;
}

/** The package of this tree, and the same under a higher number. */
async function buildPackages(): Promise<void> {
  const script = join(resolve(import.meta.dirname, "../.."), "systemd/build-deb.ts");
  const built = await mustRun([process.execPath, "--import", "tsx", script, share]);
  const file = built.trim().split("\n").at(-1) ?? "";
  await mustRun(["mv", file, join(share, "first.deb")]);
  const tree = join(share, "tree");
  await mustRun(["dpkg-deb", "--raw-extract", join(share, "first.deb"), tree]);
  await mustRun(["sed", "-i", "s/^Version: .*/&+1/", join(tree, "DEBIAN/control")]);
  const fast = ["--root-owner-group", "-Zxz", "-z0"];
  await mustRun(["dpkg-deb", ...fast, "--build", tree, join(share, "second.deb")]);
  writeFileSync(join(share, "failover.yaml"), configuration);
  writeFileSync(join(share, "key"), `${randomBytes(32).toString("hex")}\n`);
}

async function start(name: string, host: number): Promise<Machine> {
  const networks = [
    { name: "failover-service", address: `10.91.0.${host}` },
    { name: "failover-cable", address: `10.92.0.${host}` },
  ];
  return keep(await Machine.start({ name, networks, share }));
}

async function install(machine: Machine): Promise<void> {
  await machine.tell("dpkg --install /share/first.deb");
  expect(await machine.tell("systemctl is-enabled failover || true")).toBe("disabled");
  await machine.tell("install -m 600 /share/key /etc/failover/key");
  await machine.tell("cp /share/failover.yaml /etc/failover/failover.yaml");
  await machine.tell("systemctl enable --now failover");
}

async function upgrade(machine: Machine): Promise<void> {
  await machine.tell("dpkg --install --force-confold /share/second.deb");
}

/** The process that systemd started last, of which `agentIsBack` is no longer told. */
let signalled = "";

async function killAgent(signal: "KILL" | "STOP"): Promise<void> {
  signalled = await agentProcess();
  await machines.primary.tell(`kill -${signal} ${signalled}`);
}

async function agentIsBack(): Promise<boolean> {
  return !["0", signalled].includes(await agentProcess()) && (await isReady());
}

function agentProcess(): Promise<string> {
  return machines.primary.tell("systemctl show --property=MainPID --value failover");
}

async function isReady(): Promise<boolean> {
  return (await machines.primary.tell("systemctl is-active failover || true")) === "active";
}

/** One scene that fails does not make the next one fail. */
async function calm(): Promise<void> {
  if ((await holders()).includes("backup")) await machines.primary.tell("failover promote primary");
  const well = async (): Promise<boolean> => (await roles()) === "holding standby";
  await until("primary holds, and backup stands by", well, patience);
}

async function role(name: Name): Promise<string> {
  const line = await machines[name].tell(`failover status --json | grep '"role"' | head -1`);
  return line.match(/: "([a-z]+)"/)?.[1] ?? line;
}

async function roles(): Promise<string> {
  return `${await role("primary")} ${await role("backup")}`;
}

/** By the word of the kernels. */
async function holders(): Promise<Name[]> {
  const found: Name[] = [];
  for (const name of names)
    if ((await machines[name].tell("ip -o address show dev eth0")).includes(`${address}/32`))
      found.push(name);
  return found;
}

/** Some 40 requests a second while `act` goes on, counted by status; 000 is one that failed. */
async function requestsDuring(act: () => Promise<unknown>): Promise<Record<string, number>> {
  const request = `curl -s -o /dev/null -m 3 -w '%{http_code}\\n' http://${address}/`;
  await client.tell(
    `rm -f /var/load; systemd-run --unit=asking sh -c "while :; do ${request} >> /var/load; sleep 0.02; done"`,
  );
  try {
    await act();
    await pause(500);
  } finally {
    await client.tell("systemctl stop asking");
  }
  const counts: Record<string, number> = {};
  for (const code of (await client.tell("cat /var/load")).split("\n"))
    counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

async function tellLogs(): Promise<void> {
  const log = "journalctl -u failover -n 40 -o short-precise";
  for (const name of names)
    console.error(name, await machines[name].tell(log).catch((error: unknown) => error));
}
