import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Replaces a file whole, for its owner alone: whatever dies in the middle, the old text is there or
 * the new one. Resolves when the new one is on the disk, its name included.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  await writeDurably(`${path}.new`, text);
  await rename(`${path}.new`, path);
  await using directory = await open(dirname(path));
  await directory.sync();
}

async function writeDurably(path: string, text: string): Promise<void> {
  await using handle = await open(path, "w", 0o600);
  await handle.writeFile(text);
  await handle.sync();
}
