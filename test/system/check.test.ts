import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";

import type { Finding } from "../../src/cli/check/finding.ts";
import type { Difference } from "../../src/cli/drift/compare.ts";
import { type MachineName, machineNames, other } from "../../src/practice/network.ts";
import { until } from "../../src/practice/wait.ts";
import { Pair } from "./pair.ts";

let pair: Pair;
beforeAll(async () => {
  pair = await Pair.start();
});
afterAll(() => pair[Symbol.asyncDispose]());

interface Checked {
  readonly findings: readonly Finding[];
  readonly drift?: { readonly differences: readonly Difference[] };
}

async function check(on: MachineName, ...more: readonly string[]): Promise<Checked> {
  const words = ["check", "--json", "--state-dir", "/run/lib/failover", ...more];
  const { stdout, stderr } = await pair.lab.agents[on].failover(...words);
  expect(stderr).toBe("");
  return JSON.parse(stdout) as Checked;
}

const words = ({ findings }: Checked): readonly string[] =>
  findings.map(({ level, subject, found }) => `${level} ${subject}: ${found}`);

test("check finds nothing failed on a well pair, and says on both machines how a swap would go", async () => {
  onTestFailed(() => console.error(pair.logs()));
  const { standby } = await pair.calm();
  for (const name of machineNames) {
    const found = words(await check(name));
    expect(found.filter((line) => line.startsWith("failed"))).toEqual([]);
    expect(found).toContain("ok swap: a planned swap will be in drain mode");
    expect(found).toContain(`ok swap: failover promote ${standby} would begin now`);
    expect(found).toContainEqual(expect.stringMatching(/^ok access_log: .* grows with what is/));
    expect(found).toContainEqual(expect.stringMatching(/^ok firewall: .* takes connections/));
  }
});

test("the fingerprint of one machine is laid beside the other", async () => {
  const { holder, standby } = await pair.calm();
  const made = await pair.lab.agents[standby].failover("fingerprint");
  expect(made.stderr).toBe("");
  writeFileSync(pair.lab.machines[holder].path("theirs.json"), made.stdout);
  const checked = await check(holder, "--drift", "/run/theirs.json");
  expect(checked.drift?.differences.filter(({ refuses }) => refuses)).toEqual([]);
  expect(words(checked)).toContainEqual(
    expect.stringMatching(new RegExp(`^(ok|warning) drift: .* ${standby}, as it was at `)),
  );
});

test("what promote would refuse is told by check while the other machine is away", async () => {
  const { holder } = await pair.calm();
  const standby = other(holder);
  await pair.lab.machines[standby].powerCut();
  const silent = async (): Promise<boolean> =>
    ((await pair.lab.agents[holder].status())?.peer.heardAge ?? 0) > 1500;
  await until("the standby has been silent for a while", silent, { within: 20_000, every: 100 });
  const found = words(await check(holder));
  expect(found).toContain(
    `warning swap: failover promote ${standby} would refuse: ${standby} is not heard`,
  );
  expect(found).toContainEqual(expect.stringMatching(/^failed path: .* the other machine was /));
  expect(found).toContainEqual(expect.stringMatching(/^warning firewall: .* (does not|is not)/));
});
