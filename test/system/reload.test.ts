import { expect, test } from "vitest";
import { stringify } from "yaml";

import type { Status } from "../../src/cli/status.ts";
import {
  type ConfigurationOverrides,
  pairConfiguration,
} from "../../src/practice/configuration.ts";
import {
  type MachineName,
  machineNames,
  serviceAddress,
  serviceAddress6,
} from "../../src/practice/network.ts";
import { now, pause, until } from "../../src/practice/wait.ts";
import { Pair } from "./pair.ts";

const added = "10.99.0.101";
const begun: ConfigurationOverrides = { interval: "100ms", deadTime: "300ms" };

/** The administrator of a running pair: writes the file of one machine, and tells its agent. */
class Administrator {
  readonly #pair: Pair;

  constructor(pair: Pair) {
    this.#pair = pair;
  }

  async status(name: MachineName): Promise<Status> {
    const status = await this.#pair.lab.agents[name].status();
    if (status === undefined) throw new Error(`The agent of ${name} does not answer`);
    return status;
  }

  reload(name: MachineName, text: string): void {
    const { agents } = this.#pair.lab;
    this.#pair.lab.writeConfiguration(name, text);
    agents[name].process.kill("SIGHUP");
  }

  /** Resolves when the agent says so in its log, so often since the test began. */
  async hears(name: MachineName, sentence: string, times = 1): Promise<void> {
    const { agents } = this.#pair.lab;
    const heard = () => agents[name].log().split(sentence).length > times;
    await until(`the agent of ${name} says ${sentence}`, heard, { within: 10_000 });
  }
}

const interfaceOf = (pair: Pair, name: MachineName) =>
  pair.lab.machines[name].mustExec(["ip", "-o", "addr", "show", "dev", "eth0"]);

test("a changed file is put in force while the pair serves: nothing fails, nothing moves", async () => {
  await using pair = await Pair.start({ configuration: begun });
  const admin = new Administrator(pair);
  // One agent was there before the other, and says so for some seconds.
  for (const name of machineNames)
    await until(
      `no alert of ${name} is left from the start`,
      async () => (await admin.status(name)).alerts.length === 0,
      { within: 20_000 },
    );
  const from = now();
  const before = { primary: await admin.status("primary"), backup: await admin.status("backup") };

  const next = {
    ...begun,
    interval: "50ms",
    deadTime: "200ms",
    lease: "4s",
    address: [serviceAddress, serviceAddress6, added],
  };
  const text = stringify(pairConfiguration(next));
  const words = `address: ${added} added; interval: 50ms instead of 100ms`;
  for (const name of ["backup", "primary"] as const) {
    admin.reload(name, text);
    await admin.hears(name, words);
    await pause(1000);
  }
  await until("the new address is there", async () =>
    (await interfaceOf(pair, "primary")).includes(` ${added}/32`),
  );
  expect(await interfaceOf(pair, "backup")).not.toContain(added);
  const answered = await pair.lab.client.mustExec(["ping", "-c", "1", "-W", "2", added]);
  expect(answered).toContain("1 received");

  // Back to slower beats, the other machine first: what it is told is beaten for until both know.
  const slower = stringify(pairConfiguration({ ...begun, interval: "500ms", deadTime: "2s" }));
  for (const name of ["primary", "backup"] as const) {
    admin.reload(name, slower);
    await admin.hears(name, "interval: 500ms instead of 50ms");
    await pause(1000);
  }
  await until(
    "the address is gone again",
    async () => (await interfaceOf(pair, "primary")).split(added).length === 1,
  );

  // What cannot be read, or not be changed so, is refused whole.
  const wrong = `${slower}interval: fast\n`;
  admin.reload("primary", wrong);
  await admin.hears("primary", "the configuration of before stays in force");
  const moved = slower.replace("pair: www", "pair: www\nport: 700");
  admin.reload("primary", moved);
  await admin.hears("primary", "without a restart of the agent: line 2: port");
  const refused = await admin.status("primary");
  expect(refused.alerts.map(({ sentence }) => sentence)).toEqual([
    expect.stringContaining("line 2: port"),
  ]);
  admin.reload("primary", slower);
  await admin.hears("primary", "is what runs already");

  const span = { from, to: now() };
  expect(await pair.failures(span)).toEqual([]);
  expect(await pair.doubles(from)).toEqual([]);
  expect(await pair.holder()).toBe("primary");
  for (const name of machineNames) {
    const after = await admin.status(name);
    expect(after.alerts).toEqual([]);
    expect(after.epoch).toBe(before[name].epoch);
    expect(after.role).toBe(before[name].role);
    expect(after.agent.pid).toBe(before[name].agent.pid);
  }
});

test("an agent that is started with another list goes on holding what both lists name", async () => {
  // Long enough for a busy machine to start a program in.
  const lease = "5s";
  await using pair = await Pair.start({ configuration: { lease } });
  const { primary } = pair.lab.agents;
  const admin = new Administrator(pair);
  const { epoch } = await admin.status("primary");
  const from = now();
  const lists = [
    [serviceAddress, serviceAddress6, added],
    [serviceAddress, added],
  ];
  for (const address of lists) {
    pair.lab.writeConfiguration("primary", stringify(pairConfiguration({ address, lease })));
    await primary.kill("SIGKILL");
    await primary.start();
    await primary.untilRole("holding");
    await until("the kernel has that list", async () => {
      const shown = await interfaceOf(pair, "primary");
      const there = (one: string) => shown.includes(` ${one}/`);
      return [serviceAddress, serviceAddress6, added].every(
        (one) => there(one) === address.includes(one),
      );
    });
    // The journal has what the kernel has before the next one reads it.
    await pause(500);
  }
  const span = { from, to: now() };
  expect(await pair.failures(span)).toEqual([]);
  expect((await admin.status("primary")).epoch).toBe(epoch);
  expect(await pair.holder()).toBe("primary");
});
