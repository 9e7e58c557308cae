import type { Stats } from "node:fs";

/**
 * What is wrong with the owner or the mode of a file that must be ours alone, with the command that
 * mends it; undefined when nothing is. Root's files are trusted, and so are this process's own.
 */
export function ownershipFault(
  path: string,
  stats: Pick<Stats, "uid" | "mode">,
  /** Permission bits that nobody may have, and the mode for chmod. */
  { forbidden, mended }: { readonly forbidden: number; readonly mended: string },
): string | undefined {
  const us = process.geteuid?.() ?? 0;
  if (stats.uid !== 0 && stats.uid !== us) {
    return `it belongs to user ${stats.uid}; chown ${us === 0 ? "root" : us} ${path}`;
  }
  const found = stats.mode & 0o7777;
  if ((found & forbidden) === 0) return undefined;
  return `its mode is ${found.toString(8).padStart(4, "0")}; chmod ${mended} ${path}`;
}
