import { stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";

import { counted } from "../../core/counted.ts";
import { errorCode, reasonOf } from "../failure.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface DiskFacts {
  readonly directory: string;
  /** For whoever is not root: some file systems keep a rest for root. */
  readonly freeBytes: number;
  /** Files that can still be made; undefined where the file system knows no end of them. */
  readonly freeFiles: number | undefined;
}

/**
 * Below *little* there is time to look, below *none* a journal or the lines that prove a swap may not be
 * written any more. A busy access_log writes some 100 MiB an hour.
 */
const little = { bytes: 512 * 2 ** 20, files: 10_000 } as const;
const none = { bytes: 16 * 2 ** 20, files: 100 } as const;

/**
 * Of the directories where the agent and the web server write. One that is not there yet will be made in the
 * nearest one above it.
 */
export async function diskFindings(directories: readonly string[]): Promise<readonly Finding[]> {
  const existing = new Set(await Promise.all(directories.map(nearest)));
  return Promise.all(
    [...existing].map(async (directory) => {
      try {
        const { bavail, bsize, files, ffree } = await statfs(directory);
        // btrfs and others make inodes as they need them, and say 0 of 0.
        const freeFiles = files === 0 ? undefined : ffree;
        return diskFinding({ directory, freeBytes: bavail * bsize, freeFiles });
      } catch (error) {
        const found = `how full the disk of ${directory} is cannot be told: ${reasonOf(error)}`;
        return warning("disk", found, "");
      }
    }),
  );
}

export function diskFinding({ directory, freeBytes, freeFiles }: DiskFacts): Finding {
  const files = freeFiles === undefined ? "" : ` and ${counted(freeFiles, "file")}`;
  const found = `${directory} has room for ${megabytes(freeBytes)}${files}`;
  const below = ({ bytes, files: count }: { bytes: number; files: number }): boolean =>
    freeBytes < bytes || (freeFiles !== undefined && freeFiles < count);
  if (below(none)) return failed("disk", found, "make room: what is not logged is not proved");
  return below(little) ? warning("disk", found, "make room soon") : ok("disk", found);
}

async function nearest(directory: string): Promise<string> {
  try {
    await stat(directory);
    return directory;
  } catch (error) {
    const parent = dirname(directory);
    return errorCode(error) === "ENOENT" && parent !== directory ? nearest(parent) : directory;
  }
}

const megabytes = (bytes: number): string =>
  bytes < 2 ** 30 ? `${Math.floor(bytes / 2 ** 20)} MiB` : `${Math.floor(bytes / 2 ** 30)} GiB`;
