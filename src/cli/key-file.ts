import { createHash, randomBytes } from "node:crypto";
import { open } from "node:fs/promises";

import { errorCode, exitCodes, Failure, reasonOf } from "./failure.ts";
import { ownershipFault } from "./ownership.ts";

/** A shared secret and the name it has on the wire. */
export interface FileKey {
  /** The first byte of the SHA-256 of the key. */
  readonly id: number;
  /** 32 bytes. */
  readonly bytes: Uint8Array;
}

/** One key is in use; a second, third and fourth are there while keys are exchanged. */
const keysMax = 4;

/**
 * The keys in `file`, one a line as 64 hex digits, in the order of the file: the newest, which
 * shall sign, first. Throws a Failure when there is none, when one is malformed, when two have the
 * same id, or when anybody but root and this process could have read or written them.
 */
export async function readKeyFile(file: string): Promise<readonly [FileKey, ...FileKey[]]> {
  const refuse = (found: string, cause?: unknown): Failure =>
    new Failure(exitCodes.usage, `Cannot use the key file ${file}: ${found}`, { cause });
  let text: string;
  try {
    await using handle = await open(file);
    const stats = await handle.stat();
    if (!stats.isFile()) throw new Error("it is no regular file");
    const fault = ownershipFault(file, stats, { forbidden: 0o077, mended: "600" });
    if (fault !== undefined) throw new Error(fault);
    text = await handle.readFile("utf8");
  } catch (error) {
    const missing = errorCode(error) === "ENOENT";
    throw refuse(
      missing ? `it does not exist; failover keygen ${file} makes one` : reasonOf(error),
      error,
    );
  }
  return parseKeys(text, refuse);
}

/** Writes a new key to `file`, which must not exist yet. */
export async function writeKeyFile(file: string): Promise<void> {
  const mode = 0o600;
  try {
    await using handle = await open(file, "wx", mode);
    // The mode given at creation is subject to the umask.
    await handle.chmod(mode);
    await handle.writeFile(`${randomBytes(32).toString("hex")}\n`);
    await handle.sync();
  } catch (error) {
    const found =
      errorCode(error) === "EEXIST"
        ? "it exists already, and whoever uses it would be cut off; choose another name"
        : reasonOf(error);
    throw new Failure(exitCodes.usage, `Cannot write the key file ${file}: ${found}`, {
      cause: error,
    });
  }
}

function parseKeys(
  text: string,
  refuse: (found: string) => Failure,
): readonly [FileKey, ...FileKey[]] {
  const keys: FileKey[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const digits = line.trim();
    if (digits === "" || digits.startsWith("#")) continue;
    // What was found instead is not repeated: it may be a key with a slip of the pen.
    if (!/^[0-9a-f]{64}$/i.test(digits)) throw refuse(`line ${index + 1} is not 64 hex digits`);
    const bytes = Uint8Array.from(Buffer.from(digits, "hex"));
    const id = createHash("sha256").update(bytes).digest()[0] ?? 0;
    if (keys.some((key) => key.id === id)) {
      throw refuse(`line ${index + 1} has the same id as a key above it; make another key`);
    }
    keys.push({ id, bytes });
  }
  const [first, ...others] = keys;
  if (first === undefined) throw refuse("it holds no key");
  if (keys.length > keysMax)
    throw refuse(`it holds ${keys.length} keys, and ${keysMax} are allowed`);
  return [first, ...others];
}
