import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { mustRun } from "../../src/practice/command.ts";

/** What the program says of itself once the second package is installed. */
export const secondVersion = "0.1.99";

/** Into `share`: the package of this tree as first.deb, and a later one of another program as second.deb. */
export async function buildPackages(share: string): Promise<void> {
  const script = join(resolve(import.meta.dirname, "../.."), "systemd/build-deb.ts");
  const fast = ["env", "DPKG_DEB_COMPRESSOR_TYPE=none"];
  const built = await mustRun([...fast, process.execPath, "--import", "tsx", script, share]);
  const file = built.trim().split("\n").at(-1) ?? "";
  const first = join(share, "first.deb");
  await mustRun(["mv", file, first]);
  const tree = join(share, "tree");
  await mustRun(["dpkg-deb", "--raw-extract", first, tree]);
  replaceIn(join(tree, "DEBIAN/control"), /^Version: .*/m, `Version: ${secondVersion}`);
  const program = join(tree, "usr/lib/failover/package.json");
  replaceIn(program, /"version": ".*"/, `"version": "${secondVersion}"`);
  const pack = ["dpkg-deb", "--root-owner-group", "-Znone", "--build"];
  await mustRun([...pack, tree, join(share, "second.deb")]);
  await mustRun(["chmod", "-R", "a+rX", share]);
}

function replaceIn(file: string, what: RegExp, by: string): void {
  writeFileSync(file, readFileSync(file, "utf8").replace(what, by));
}
