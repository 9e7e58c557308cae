import { expect, test } from "vitest";

import type { MachineName } from "../../src/practice/network.ts";
import { until } from "../../src/practice/wait.ts";
import { Pair } from "./pair.ts";

test("the key of a pair is changed while a tenth of all frames is lost: no beat is refused, nobody is suspected", async () => {
  // One refused beat is counted. What is suspected here is not that two busy cores let an agent wait.
  await using pair = await Pair.start({ configuration: { deadTime: "1s" } });
  const { agents } = pair.lab;
  const status = async (name: MachineName) => {
    const found = await agents[name].status();
    if (found === undefined) throw new Error(`The agent of ${name} does not answer`);
    return found;
  };
  const before = { primary: await status("primary"), backup: await status("backup") };
  const told = { primary: agents.primary.log().length, backup: agents.backup.log().length };
  await using _loss = await pair.lab.faults.add({ percent: 10 });

  // The administrator: rotates on the primary, pipes the key to the backup, retires there.
  const rotation = agents.primary.failover("key", "rotate", "--wait", "60");
  const keyOf = (name: MachineName) =>
    pair.lab.machines[name].mustExec(["head", "-n", "1", "/run/etc/key"]);
  const first = await keyOf("backup");
  await until("primary has a new key", async () => (await keyOf("primary")) !== first);
  const added = await pair.lab.machines.backup.exec(
    ["/run/bin/failover", "key", "add", "--stdin"],
    { input: await keyOf("primary") },
  );
  expect(added).toMatchObject({ ok: true });
  expect(await rotation).toMatchObject({ ok: true });
  expect(await agents.backup.failover("key", "retire")).toMatchObject({ ok: true });

  const after = { primary: await status("primary"), backup: await status("backup") };
  const [key] = after.primary.keys.accepted;
  expect(key).not.toBe(before.primary.keys.accepted[0]);
  for (const name of ["primary", "backup"] as const) {
    expect(after[name].keys).toEqual({ accepted: [key], peer: { signed: key, newest: key } });
    expect(after[name].epoch).toBe(before[name].epoch);
    expect(after[name].paths.map(({ dropped }) => dropped)).toEqual(
      before[name].paths.map(({ dropped }) => dropped),
    );
    expect(agents[name].log().slice(told[name])).not.toMatch(/Asking|Waiting|Taking|Letting/);
  }
  expect(await pair.holder()).toBe("primary");
});
