import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

import { mustRun, run } from "../../src/practice/command.ts";
import { ensureTools } from "../../src/practice/tools.ts";
import { startEngine } from "./container-engine.ts";

/*
 * Debian 12 with systemd, nginx, and an Apache that is not started. The base comes from a registry where
 * one is reachable; elsewhere debootstrap makes it. What came of it is kept below /var/cache.
 */

const base = "debian:bookworm-slim";
const cache = "/var/cache/failover-test";
const packages =
  "systemd systemd-sysv dbus iproute2 nftables nginx-light apache2 procps libstdc++6 curl".split(
    " ",
  );
/** Half of what an installation leaves; every run of an engine of its own imports the rest anew. */
const unused = ["var/cache/apt/archives", "var/lib/apt/lists"].concat(
  ["locale", "doc", "man"].map((name) => `usr/share/${name}`),
);
/** One that was made by another recipe is not found. */
const recipe = createHash("sha256")
  .update([packages.join(","), ...unused].join("\n"))
  .digest("hex");
const archive = join(cache, `${recipe.slice(0, 8)}.tar`);
export const image = `failover-test:${recipe.slice(0, 8)}`;

/** Answers with the file; a minute or two the first time. */
export async function makeArchive(): Promise<string> {
  if (existsSync(archive)) return archive;
  mkdirSync(cache, { recursive: true });
  const scratch = mkdtempSync(join(cache, "making-"));
  try {
    const file = join(scratch, "tar");
    if (!(await fromRegistry(file))) await fromPackages(join(scratch, "root"), file);
    renameSync(file, archive);
  } finally {
    rmSync(scratch, { recursive: true });
  }
  return archive;
}

export async function prepareImage(): Promise<void> {
  if ((await run(["docker", "image", "inspect", image])).ok) return;
  await mustRun(["docker", "import", await makeArchive(), image]);
}

/** False where no registry answers. */
async function fromRegistry(file: string): Promise<boolean> {
  await using _engine = await startEngine();
  if (!(await run(["timeout", "60", "docker", "pull", "--quiet", base])).ok) return false;
  const made = "failover-test:making";
  const install = `apt-get install --yes --no-install-recommends ${packages.join(" ")}`;
  // policy-rc.d of such images forbids that packages start services, which machines do.
  const remove = `rm -rf /usr/sbin/policy-rc.d ${unused.map((path) => `/${path}`).join(" ")}`;
  const steps = `apt-get update && ${install} && systemctl disable apache2 && ${remove}`;
  const build = ["docker", "build", "--network", "host", "--tag", made, "-"];
  await mustRun(build, { input: `FROM ${base}\nRUN ${steps}\n` });
  const container = (await mustRun(["docker", "create", made, "true"])).trim();
  await mustRun(["docker", "export", "--output", file, container]);
  await mustRun(["docker", "rm", container]);
  return true;
}

async function fromPackages(root: string, file: string): Promise<void> {
  await ensureTools([{ command: "debootstrap", package: "debootstrap" }], console.log);
  const include = `--include=${packages.join(",")}`;
  await mustRun(["debootstrap", "--variant=minbase", include, "bookworm", root]);
  await mustRun(["chroot", root, "systemctl", "disable", "apache2"]);
  const without = unused.map((path) => `--exclude=./${path}`);
  await mustRun(["tar", "-C", root, ...without, "-cf", file, "."]);
}
