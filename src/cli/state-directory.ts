import { mkdir, readFile, stat } from "node:fs/promises";

import { exitCodes, Failure, reasonOf } from "./failure.ts";
import { ownershipFault } from "./ownership.ts";

/**
 * Names the time since the machine booted: what the kernel held, it holds only within one of them.
 */
export async function readBootId(): Promise<string> {
  return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
}

/**
 * Makes sure that the directory is there and that nobody else can write in it. A directory that
 * cannot be made is no reason not to serve: undefined, or the sentence of an alarm. One that others
 * can write in is: its journal could make this machine hold an address that is not its own.
 */
export async function prepareStateDirectory(directory: string): Promise<string | undefined> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    return `Cannot make the state directory ${directory}: ${reasonOf(error)}`;
  }
  const stats = await stat(directory);
  const fault = ownershipFault(directory, stats, { forbidden: 0o022, mended: "700" });
  if (fault === undefined) return undefined;
  throw new Failure(exitCodes.usage, `Cannot use the state directory ${directory}: ${fault}`);
}
