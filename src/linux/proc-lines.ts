import { open } from "node:fs/promises";

import { LineSplitter } from "./line-splitter.ts";

/**
 * Reads a file of /proc line by line, off the heart's thread, until `take` has enough: such a file
 * can be a hundred megabytes long on a busy machine while what matters stands first. Rejects where
 * the file cannot be read.
 */
export const readLines = async (
  path: string,
  take: (line: string) => "more" | "enough",
): Promise<void> => {
  const file = await open(path, "r");
  try {
    const splitter = new LineSplitter();
    const buffer = Buffer.alloc(32 * 1024);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return;
      for (const line of splitter.push(buffer.toString("latin1", 0, bytesRead))) {
        if (take(line) === "enough") return;
      }
    }
  } finally {
    await file.close();
  }
};
