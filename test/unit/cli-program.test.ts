import { spawnSync } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

import { scratch } from "./cli-fixtures.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** Types `failover ARGUMENTS`. */
function failover(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", "tsx", main, ...args],
    { encoding: "utf8", env: { ...process.env, SERVICE_RESULT: undefined } },
  );
  return { status, stdout, stderr };
}

const configuration = `pair: www
address: 203.0.113.10
key: /etc/failover/key
nodes:
  primary: { interface: eth0, paths: [203.0.113.11] }
  backup: { interface: eth0, paths: [203.0.113.12] }
`;

test.each([
  [["--help"], "Usage: failover [options] [command]"],
  [["promote", "--help"], "--dry-run"],
  [["help", "status"], "--watch"],
  [["--version"], "0.1.0"],
])("%j answers and exits with 0", (args, words) => {
  const { status, stdout } = failover(...args);
  expect(stdout).toContain(words);
  expect(status).toBe(0);
});

test.each([
  [[], "Usage: failover"],
  [["promot"], "Did you mean promote?"],
  [["promote"], "missing required argument 'node'"],
  [["promote", "a", "b"], "too many arguments"],
  [["status", "--jsn"], "unknown option '--jsn'"],
  [["history", "-n", "0"], "It is no number above 0."],
  [["history", "-n", "many"], "It is no number above 0."],
  [["status", "--config", "/nonexistent"], "Cannot read /nonexistent: there is no such file"],
  [["agent", "--config", "/nonexistent"], "/nonexistent"],
])("%j is a mistake and exits with 2", (args, words) => {
  const { status, stderr } = failover(...args);
  expect(stderr).toContain(words);
  expect(status).toBe(2);
});

test.each([
  [["status", "--socket", "/nonexistent.sock"]],
  [["promote", "backup", "--socket", "/nonexistent.sock"]],
  [["release", "--socket", "/nonexistent.sock"]],
])("%j without an agent exits with 5", (args) => {
  const { status, stderr } = failover(...args);
  expect(stderr).toContain(
    "Cannot reach the agent at /nonexistent.sock: no agent is running; " +
      "start it with systemctl start failover",
  );
  expect(status).toBe(5);
});

test("a fingerprint is made by whoever has been told to be even nicer", async () => {
  await using place = await scratch();
  await chmod(place.directory, 0o755);
  await writeFile(place.path("good.yaml"), configuration);
  const words = ["fingerprint", "--node", "primary", "--config", place.path("good.yaml")];
  // Root may always; anybody else may only step further back.
  const humble = process.geteuid?.() === 0 ? ["setpriv", "--bounding-set", "-sys_nice"] : [];
  const [file, ...args] = [...humble, "nice", "-n", "19", process.execPath];
  const { status, stdout } = spawnSync(file, [...args, "--import", "tsx", main, ...words], {
    encoding: "utf8",
  });
  expect(JSON.parse(stdout)).toMatchObject({ pair: "www", node: "primary" });
  expect(status).toBe(0);
});

test("check --config-only exits with 0 for a good file, with 2 for one with problems", async () => {
  await using place = await scratch();
  await writeFile(place.path("good.yaml"), configuration);
  await writeFile(place.path("bad.yaml"), configuration.replace("pair: www", "pair: WWW\nx: 1"));
  const good = failover("check", "--config-only", "--config", place.path("good.yaml"));
  expect(good.stdout).toContain("pair www, nodes primary and backup, digest ");
  expect(good.status).toBe(0);
  const bad = failover("check", "--config-only", "--json", "--config", place.path("bad.yaml"));
  expect(JSON.parse(bad.stdout)).toMatchObject({
    findings: [
      { level: "failed", subject: "configuration", found: expect.stringMatching(/^line 1: pair/) },
      { level: "failed", subject: "configuration", found: expect.stringMatching(/^line 2: x/) },
    ],
  });
  expect(bad.status).toBe(2);
});

test("keygen makes a key once, and then refuses with 2", async () => {
  await using place = await scratch();
  const first = failover("keygen", place.path("key"));
  expect(first.stdout).toContain(`scp -p ${place.path("key")} root@OTHER:${place.path("key")}`);
  expect(first.status).toBe(0);
  const second = failover("keygen", place.path("key"));
  expect(second.stderr).toContain("it exists already");
  expect(second.status).toBe(2);
});

test("history without entries says so and exits with 0", async () => {
  await using place = await scratch();
  const { status, stdout } = failover("history", "--state-dir", place.directory);
  expect(stdout).toBe(`Nothing in ${place.directory} yet\n`);
  expect(status).toBe(0);
});

test("cleanup after a crash leaves the address to its lease", () => {
  const { stdout, status } = spawnSync(process.execPath, ["--import", "tsx", main, "cleanup"], {
    encoding: "utf8",
    env: { ...process.env, SERVICE_RESULT: "signal" },
  });
  expect(stdout).toBe("The agent ended with signal: the address is left to its lease\n");
  expect(status).toBe(0);
});
