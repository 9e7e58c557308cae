import { link, open, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";

import { errorCode } from "./failure.ts";

export interface AtomicWriteOptions {
  /** Of the file, whatever the umask: 0o600. */
  readonly mode: number;
  /** `new`: rejects with EEXIST where the file exists. `replace`: keeps its owner, follows a link. */
  readonly over: "new" | "replace";
}

/**
 * Writes a file so that whoever reads it, also after a crash, finds the old text or the new one whole.
 * Rejects with the error of the system.
 */
export async function writeAtomically(
  file: string,
  text: string,
  { mode, over }: AtomicWriteOptions,
): Promise<void> {
  const target = over === "replace" ? await realTarget(file) : file;
  const draft = `${target}.${process.pid}.new`;
  try {
    await writeDraft(draft, text, mode, over === "replace" ? target : undefined);
    // A link, unlike a renaming, refuses to replace what somebody else has put there meanwhile.
    if (over === "new") await link(draft, target);
    else await rename(draft, target);
  } finally {
    await rm(draft, { force: true });
  }
  await using directory = await open(dirname(target));
  await directory.sync();
}

async function writeDraft(
  draft: string,
  text: string,
  mode: number,
  like: string | undefined,
): Promise<void> {
  await rm(draft, { force: true });
  await using handle = await open(draft, "wx", mode);
  // The mode given at creation is subject to the umask.
  await handle.chmod(mode);
  const owner = like === undefined ? undefined : await ownerOf(like);
  if (owner !== undefined && process.geteuid?.() === 0) await handle.chown(owner.uid, owner.gid);
  await handle.writeFile(text);
  await handle.sync();
}

async function ownerOf(file: string): Promise<{ uid: number; gid: number } | undefined> {
  return await unlessMissing(stat(file));
}

async function realTarget(file: string): Promise<string> {
  return (await unlessMissing(realpath(file))) ?? file;
}

async function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
