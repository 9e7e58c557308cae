import { readdirSync, readFileSync } from "node:fs";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

import { readForeign } from "../../src/cli/init/read-foreign.ts";
import { scratch } from "./cli-fixtures.ts";
import { failover, nowhere, problemsOf, textOf } from "./init-fixtures.ts";

/*
 * What keepalived and heartbeat themselves are documented with (documented/README.md has the origin and
 * the licence of each), unchanged. The .yaml beside a sample is what becomes of it.
 */
const documented = join(import.meta.dirname, "documented");

/** Writes with `init --yes`, and has `check --config-only` read what was written. */
async function initAndCheck(from: string, ...flags: readonly string[]) {
  await using place = await scratch();
  const out = place.path("failover.yaml");
  const files = ["--out", out, "--key", place.path("key")];
  const made = await failover("init", "--yes", "--from", from, ...flags, ...files);
  const checked =
    made.status === 0 ? await failover("check", "--config-only", "--config", out) : undefined;
  return { ...made, checked: checked?.status };
}

describe("keepalived's own samples", () => {
  const folder = join(documented, "keepalived");
  const names = readdirSync(folder).filter((name) => /^keepalived\.conf\.(?!.*\.yaml$)/.test(name));
  const textIn = (name: string): string => readFileSync(join(folder, name), "utf8");
  const isMoving = (name: string): boolean => /^vrrp_instance/m.test(textIn(name));
  const moving = names.filter(isMoving);
  const balancing = names.filter((name) => !isMoving(name));

  test("are all there, and half of them move addresses", () => {
    expect([moving.length, balancing.length]).toEqual([12, 13]);
  });

  test.each(moving)("%s becomes a configuration", async (name) => {
    const text = textOf(readForeign(join(folder, name), nowhere, undefined));
    expect(problemsOf(text)).toEqual([]);
    await expect(text.replaceAll(`${folder}/`, "")).toMatchFileSnapshot(
      join(folder, `${name}.yaml`),
    );
  });

  test.each(moving)("every instance of %s passes check --config-only", async (name) => {
    const instances = [...textIn(name).matchAll(/^vrrp_instance (\S+)/gm)].map(([, one]) => one);
    for (const instance of instances) {
      const made = await initAndCheck(join(folder, name), "--instance", instance ?? "");
      expect([instance, made.status, made.checked]).toEqual([instance, 0, 0]);
    }
  });

  test.each(moving)("%s needs somebody who looks where a group would be torn", async (name) => {
    const made = await initAndCheck(join(folder, name));
    const torn = name.endsWith("vrrp.sync");
    expect([made.status, made.checked]).toEqual(torn ? [2, undefined] : [0, 0]);
    if (torn) expect(made.stderr).toContain("vrrp_sync_group G1, because VI_2 would no longer");
  });

  test.each(balancing)("%s moves no address, and is refused", async (name) => {
    const { status, stderr } = await initAndCheck(join(folder, name));
    expect(stderr).toBe(
      `failover: Cannot convert ${join(folder, name)}:1: it has no vrrp_instance, so no address moves; ` +
        "a virtual_server balances load, which failover does not\n",
    );
    expect(status).toBe(2);
  });
});

describe("heartbeat's own samples", () => {
  const folder = join(documented, "heartbeat");
  const textIn = (name: string): string => readFileSync(join(folder, name), "utf8");
  /** They are all comments, and an example is one without a blank after its sign. */
  const uncommented = (text: string): string => text.replace(/^#(?=[a-z]\S*\s)/gm, "");
  const groups = textIn("haresources").match(/^#(just|node1)\S*\s.*$/gm) ?? [];

  test("as they are shipped say what has to be filled in", async () => {
    await using place = await scratch();
    for (const name of ["ha.cf", "haresources", "authkeys"])
      await copyFile(join(folder, name), place.path(name));
    const made = await initAndCheck(place.directory);
    expect(made.stdout).toContain("  the address of the service, which is not known\n");
    expect(made.stdout).toContain(
      "auto_failback on, because a machine that comes back never takes",
    );
    expect([made.status, made.checked]).toEqual([0, 0]);
  });

  test("haresources has five examples", () => {
    expect(groups).toHaveLength(5);
  });

  test.each(groups.map((group, at) => [at + 1, group] as const))(
    "example %i of haresources, beside all of ha.cf's, becomes a configuration",
    async (number, group) => {
      await using place = await scratch();
      await mkdir(place.path("ha.d"));
      await writeFile(place.path("ha.d/ha.cf"), uncommented(textIn("ha.cf")));
      await writeFile(place.path("ha.d/haresources"), uncommented(`${group}\n`));
      await copyFile(join(folder, "authkeys"), place.path("ha.d/authkeys"));
      const text = textOf(readForeign(place.path("ha.d"), nowhere, undefined));
      expect(problemsOf(text)).toEqual([]);
      expect(text).not.toContain("mysecretpassword");
      const made = await initAndCheck(place.path("ha.d"));
      expect([made.status, made.checked]).toEqual([0, 0]);
      await expect(text.replaceAll(`${place.directory}/`, "")).toMatchFileSnapshot(
        join(folder, `example-${number}.yaml`),
      );
    },
  );
});
