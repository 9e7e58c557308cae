import { closeSync, constants, openSync, readdirSync, readSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/**
 * What is known of a file that was truncated under us: how far it was read, and its last bytes
 * there.
 */
export interface LastSeen {
  readonly offset: number;
  /** The bytes before `offset`; empty where none are known. */
  readonly tail: Buffer;
}

/**
 * copytruncate copies `access.log` to `access.log.1` or `access.log-20261121` and truncates the
 * original. What was written between our last look and the copy is in the copy alone: this finds
 * it, and yields what follows the bytes that we saw last. A copy is known by those bytes at that
 * offset, not by its name or time.
 *
 * Nothing is found where the copy lies in another directory (`olddir`), was compressed before we
 * looked (`delaycompress` helps), or was never made (`> access.log`).
 */
export function readCopy(path: string, seen: LastSeen, yieldBytes: (bytes: Buffer) => void): void {
  if (seen.tail.length === 0) return;
  for (const candidate of candidates(path)) {
    if (readBehind(candidate, seen, yieldBytes)) return;
  }
}

/** Files beside the log, and beside what it links to, whose names begin like it. */
function candidates(path: string): readonly string[] {
  const found = new Set<string>();
  for (const place of [path, realPath(path)]) {
    for (const name of namesIn(dirname(place))) {
      if (name.startsWith(basename(place)) && name !== basename(place)) {
        found.add(join(dirname(place), name));
      }
    }
  }
  return [...found];
}

/**
 * True if this is the copy. Whatever cannot be read is none: this is a second chance, not a duty.
 */
function readBehind(file: string, seen: LastSeen, yieldBytes: (bytes: Buffer) => void): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return false;
  }
  try {
    const chunk = Buffer.allocUnsafe(64 * 1024);
    const overlap = seen.tail.length;
    const matched = readSync(descriptor, chunk, 0, overlap, seen.offset - overlap);
    if (matched < overlap || !chunk.subarray(0, overlap).equals(seen.tail)) return false;
    for (let at = seen.offset; ; ) {
      const length = readSync(descriptor, chunk, 0, chunk.length, at);
      if (length === 0) return true;
      yieldBytes(chunk.subarray(0, length));
      at += length;
    }
  } catch {
    return false;
  } finally {
    closeSync(descriptor);
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
