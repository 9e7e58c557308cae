import { readdir, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";

/** A current access_log, or what rotation made of an earlier one. */
export interface LogFile {
  readonly path: string;
  /** Undefined: plain text. */
  readonly compression: Compression | undefined;
  /** When it was last written, in milliseconds since 1970. */
  readonly writtenAt: number;
}

export const compressions = ["gz", "zst", "xz", "bz2"] as const;
export type Compression = (typeof compressions)[number];

/**
 * The log at `path` and everything that logrotate or rotatelogs left beside it, oldest first:
 * `access.log.1`, `access.log-20261120`, `access-20261120.log` and `access.log.1732147200`, each of
 * them compressed or not. A file that is just being compressed is there twice; the plain one counts,
 * since it is whole. Rejects when the directory cannot be read.
 */
export async function logFamily(path: string): Promise<readonly LogFile[]> {
  const directory = dirname(path);
  const names = (await readdir(directory)).filter((name) => isOfFamily(basename(path), name));
  const found = await Promise.all(names.map((name) => lookAt(join(directory, name))));
  const files = found.filter((one) => one !== undefined);
  const plain = new Set(files.flatMap((one) => (one.compression === undefined ? one.path : [])));
  const inodes = new Set<string>();
  return files
    .filter((one) => one.compression === undefined || !plain.has(withoutCompression(one.path)))
    .filter(({ inode }) => !inodes.has(inode) && inodes.add(inode))
    .map(({ path: at, compression, writtenAt }) => ({ path: at, compression, writtenAt }))
    .sort((one, other) => one.writtenAt - other.writtenAt);
}

/** `name` is what rotation makes of `log`, or `log` itself. */
export function isOfFamily(log: string, name: string): boolean {
  const bare = withoutCompression(name);
  if (bare === log) return true;
  const extension = extname(log);
  const stem = log.slice(0, log.length - extension.length);
  const middle = bare.startsWith(log)
    ? bare.slice(log.length)
    : extension !== "" && bare.startsWith(stem) && bare.endsWith(extension)
      ? bare.slice(stem.length, -extension.length)
      : "";
  return /^[.-]\d[\d_.-]*$/.test(middle);
}

const compressed = new RegExp(`\\.(${compressions.join("|")})$`);

function withoutCompression(path: string): string {
  return path.replace(compressed, "");
}

/** Undefined for what is no file, or is gone since it was listed. */
async function lookAt(path: string): Promise<(LogFile & { readonly inode: string }) | undefined> {
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined || !stats.isFile()) return undefined;
  const extension = compressed.exec(path)?.[1];
  const compression = compressions.find((one) => one === extension);
  return { path, compression, writtenAt: stats.mtimeMs, inode: `${stats.dev}:${stats.ino}` };
}
