import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

import { mustRun, run } from "../../src/practice/command.ts";
import { ensureTools } from "../../src/practice/tools.ts";

const root = resolve(import.meta.dirname, "../..");
const place = mkdtempSync(join(tmpdir(), "failover-package-"));
const at = (path: string): string => join(place, path);

const configuration = `pair: www
address: 203.0.113.10
key: /nonexistent/key
nodes:
  primary: { interface: eth0, paths: [203.0.113.11] }
  backup: { interface: eth0, paths: [203.0.113.12] }
`;

beforeAll(async () => {
  const tools = [
    { command: "dpkg-buildpackage", package: "dpkg-dev" },
    { command: "dh", package: "debhelper" },
    { command: "lintian", package: "lintian" },
    { command: "man", package: "man-db" },
    { command: "systemd-analyze", package: "systemd" },
  ];
  await ensureTools(tools, console.log);
  writeFileSync(at("failover.yaml"), configuration);
}, 300_000);
afterAll(() => rmSync(place, { recursive: true }));

const units = ["failover.service", "failover@.service"].map((name) => join(root, "systemd", name));

test("systemd understands every line of the units", async () => {
  // The manual pages and the example are only there once the package is installed.
  const { stdout, stderr } = await run(["systemd-analyze", "verify", "--man=no", ...units]);
  expect(`${stdout}${stderr}`).toBe("");
});

test("the sandbox of each unit is worth 3.0 or better", async () => {
  const command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=30"];
  for (const unit of units) {
    const { ok, stdout } = await run([...command, unit]);
    console.log(stdout.split("\n").at(-1));
    expect(ok, stdout).toBe(true);
  }
});

test.each(["failover.8", "failover.yaml.5"])("man has no complaint about %s", async (page) => {
  const { ok, stderr } = await run(["man", "--warnings", "-l", join(root, "docs", page)]);
  expect(stderr).toBe("");
  expect(ok).toBe(true);
});

test("the package for Debian holds a program that runs with its own Node, and lintian finds no error", async () => {
  const script = ["--import", "tsx", join(root, "systemd/build-deb.ts")];
  const built = await mustRun([process.execPath, ...script, place]);
  const file = built.trim().split("\n").at(-1) ?? "";
  await mustRun(["dpkg-deb", "--extract", file, at("unpacked")]);
  const home = at("unpacked/usr/lib/failover");
  const check = ["check", "--config-only", "--config", at("failover.yaml")];
  const own = await run([join(home, "node"), join(home, "dist/cli/main.js"), ...check]);
  expect(own.stdout).toContain("pair www, nodes primary and backup");
  // Loads the native code; only the key is missing.
  const agent = ["agent", "--node", "primary", "--config", at("failover.yaml")];
  const started = await run([join(home, "node"), join(home, "dist/cli/main.js"), ...agent]);
  expect(started.stderr).toMatch(/\/nonexistent\/key|Cannot run an agent here/);
  const depends = await mustRun(["dpkg-deb", "--field", file, "Depends"]);
  expect(depends).toMatch(/libc6 \(>= 2\.\d+\).*iproute2, nftables/);
  expect(depends).not.toMatch(/nodejs|libnode|libuv/);
  const conffiles = await mustRun(["dpkg-deb", "--info", file, "conffiles"]);
  expect(conffiles.trim().split("\n").sort()).toEqual([
    "/etc/failover/example.yaml",
    "/etc/logrotate.d/failover",
  ]);
  for (const name of ["failover.service", "failover@.service"]) {
    const unit = readFileSync(at(`unpacked/lib/systemd/system/${name}`), "utf8");
    expect(unit).not.toMatch(/env failover|exec failover/);
    expect(unit.match(/\/usr\/sbin\/failover /g)).toHaveLength(3);
  }
  const field = await mustRun(["dpkg-deb", "--field", file, "Version"]);
  expect(field).toMatch(/^\d+\.\d+\.\d+(~\w+)?(~\d{14}\.[0-9a-f]+(\.changed)?)?\n?$/);
  const lintian = await run(["lintian", "--allow-root", "--fail-on", "error", file]);
  expect(lintian.stdout).not.toMatch(/^E:/m);
  expect(lintian.ok, lintian.stdout + lintian.stderr).toBe(true);
});

test("npm install -g from the packed tarball works", async () => {
  await mustRun([
    "npm",
    "--prefix",
    root,
    "pack",
    root,
    "--ignore-scripts",
    "--pack-destination",
    place,
  ]);
  const tarball = readdirSync(place).find((name) => name.endsWith(".tgz")) ?? "";
  const install = ["npm", "install", "--global", "--prefer-offline", "--prefix", at("global")];
  await mustRun([...install, at(tarball)]);
  const check = ["check", "--config-only", "--config", at("failover.yaml")];
  const { stdout } = await run([at("global/bin/failover"), ...check]);
  expect(stdout).toContain("pair www, nodes primary and backup");
});
