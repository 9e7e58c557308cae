import { createHash } from "node:crypto";
import { createReadStream, type Stats } from "node:fs";
import { lstat, readdir, readlink, stat } from "node:fs/promises";

import { errorCode, reasonOf } from "../failure.ts";
import type { Fact } from "./fingerprint.ts";

/** Beyond this many entries a tree is told by one digest: what differs in it is a matter for rsync. */
export const entriesMax = 20_000;

/**
 * A file or a directory with all that is in it, as facts: modes of all, SHA-256 of the contents of files, the
 * targets of symbolic links. Owners and times are left out, as they differ between machines that are alike. A
 * link that was listed itself is also looked behind. Never rejects: what cannot be read is a fact, too.
 */
export async function treeFacts(
  path: string,
  ignored: (name: string) => boolean,
): Promise<readonly Fact[]> {
  const facts: Fact[] = [];
  const digest = createHash("sha256");
  let entries = 0;
  const add = (name: string, value: string): void => {
    entries += 1;
    digest.update(`${name}\0${value}\0`);
    // Those of a tree that is told by its digest need no memory.
    if (entries <= entriesMax) facts.push({ kind: "file", name, value });
  };
  const enter = async (name: string, stats: Stats, prefix = ""): Promise<void> => {
    add(name, prefix + (await described(name, stats)));
    if (!stats.isDirectory()) return;
    for (const entry of await entriesOf(name, add)) {
      const inner = `${name === "/" ? "" : name}/${entry}`;
      if (!ignored(inner)) await attempt(inner, add, async () => enter(inner, await lstat(inner)));
    }
  };
  const listed = path.replace(/(?<=.)\/+$/, "");
  await attempt(listed, add, async () => {
    const stats = await lstat(listed);
    if (!stats.isSymbolicLink()) return enter(listed, stats);
    const link = `${await described(listed, stats)}, `;
    await enter(listed, await stat(listed), link);
  });
  if (entries <= entriesMax) return facts;
  return [{ kind: "file", name: listed, value: `${entries} entries, ${digest.digest("hex")}` }];
}

async function described(name: string, stats: Stats): Promise<string> {
  if (stats.isSymbolicLink()) return `→ ${await readlink(name)}`;
  const mode = (stats.mode & 0o7777).toString(8).padStart(4, "0");
  if (stats.isDirectory()) return `${mode} directory`;
  // A pipe would be waited for, and a device may have no end.
  if (!stats.isFile()) return `${mode} neither file nor directory`;
  return `${mode} ${await sha256Of(name)}`;
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

type Add = (name: string, value: string) => void;

async function entriesOf(directory: string, add: Add): Promise<readonly string[]> {
  let entries: readonly string[] = [];
  await attempt(`${directory}/`, add, async () => {
    entries = (await readdir(directory)).sort();
  });
  return entries;
}

async function attempt(name: string, add: Add, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const missing = errorCode(error) === "ENOENT";
    add(name, missing ? "not there" : `cannot be read: ${reasonOf(error)}`);
  }
}
