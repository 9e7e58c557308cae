import { createHash, randomBytes } from "node:crypto";
import { open } from "node:fs/promises";

import { writeAtomically } from "./atomic-write.ts";
import { errorCode, exitCodes, Failure, reasonOf } from "./failure.ts";
import { ownershipFault } from "./ownership.ts";

/** A shared secret and the name it has on the wire. */
export interface FileKey {
  /** The first byte of the SHA-256 of the key. */
  readonly id: number;
  /** 32 bytes. */
  readonly bytes: Uint8Array;
}

export type FileKeys = readonly [FileKey, ...FileKey[]];

/** One key is in use; a second, third and fourth are there while keys are exchanged. */
const keysMax = 4;

/**
 * The keys in `file`, one a line as 64 hex digits, in the order of the file: the newest, which
 * shall sign, first. Throws a Failure when there is none, when one is malformed, when two have the
 * same id, or when anybody but root and this process could have read or written them.
 */
export async function readKeyFile(file: string): Promise<FileKeys> {
  return parseKeys(await readKeyText(file), refusalOf(file));
}

/**
 * Puts a key before those in the file, as the newest: the one given as 64 hex digits, or a new one
 * whose id none of the others has. The order and the comments of the rest stay. Throws a Failure where
 * the file cannot hold it.
 */
export async function addKey(file: string, given: string | undefined): Promise<FileKeys> {
  const text = await readKeyText(file);
  const refuse = refusalOf(file);
  const known = parseKeys(text, refuse);
  if (known.length === keysMax)
    throw refuse(`it holds ${keysMax} keys already; failover key retire removes the old ones`);
  if (given !== undefined && !keyDigits.test(given))
    throw new Failure(exitCodes.usage, "Cannot add this key: it is not 64 hex digits");
  const digits = given ?? drawDigits(known);
  const keys = parseKeys(digits, refuse);
  if (known.some(({ id }) => id === keys[0].id))
    throw refuse(`it holds a key with the id ${keys[0].id} already`);
  await replaceKeys(file, `${digits}\n${text}`);
  return [keys[0], ...known];
}

/** Leaves the newest key alone in the file; answers with it and those that were removed. */
export async function keepNewestKey(file: string): Promise<FileKeys> {
  const text = await readKeyText(file);
  const keys = parseKeys(text, refusalOf(file));
  const lines = text.split("\n");
  const newest = lines.findIndex((line) => keyDigits.test(line.trim()));
  const kept = lines.filter((line, index) => index === newest || !keyDigits.test(line.trim()));
  await replaceKeys(file, kept.join("\n"));
  return keys;
}

async function readKeyText(file: string): Promise<string> {
  const refuse = refusalOf(file);
  try {
    await using handle = await open(file);
    const stats = await handle.stat();
    if (!stats.isFile()) throw new Error("it is no regular file");
    const fault = ownershipFault(file, stats, { forbidden: 0o077, mended: "600" });
    if (fault !== undefined) throw new Error(fault);
    return await handle.readFile("utf8");
  } catch (error) {
    const missing = errorCode(error) === "ENOENT";
    throw refuse(
      missing ? `it does not exist; failover keygen ${file} makes one` : reasonOf(error),
      error,
    );
  }
}

/** Writes a new key to `file`, which must not exist yet. */
export async function writeKeyFile(file: string): Promise<void> {
  try {
    await writeAtomically(file, `${drawDigits([])}\n`, { mode: 0o600, over: "new" });
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

async function replaceKeys(file: string, text: string): Promise<void> {
  try {
    await writeAtomically(file, text, { mode: 0o600, over: "replace" });
  } catch (error) {
    throw new Failure(
      exitCodes.usage,
      `Cannot write the key file ${file}: ${reasonOf(error)}; it is as it was`,
      { cause: error },
    );
  }
}

type Refuse = (found: string, cause?: unknown) => Failure;

function refusalOf(file: string): Refuse {
  return (found, cause) =>
    new Failure(exitCodes.usage, `Cannot use the key file ${file}: ${found}`, { cause });
}

const keyDigits = /^[0-9a-f]{64}$/i;

/** A key with the id of another could not be told from it on the wire: one in 256 is drawn again. */
function drawDigits(known: readonly FileKey[]): string {
  for (;;) {
    const bytes = randomBytes(32);
    if (!known.some(({ id }) => id === idOf(bytes))) return bytes.toString("hex");
  }
}

function idOf(bytes: Uint8Array): number {
  return createHash("sha256").update(bytes).digest()[0] ?? 0;
}

function parseKeys(text: string, refuse: Refuse): FileKeys {
  const keys: FileKey[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const digits = line.trim();
    if (digits === "" || digits.startsWith("#")) continue;
    // What was found instead is not repeated: it may be a key with a slip of the pen.
    if (!keyDigits.test(digits)) throw refuse(`line ${index + 1} is not 64 hex digits`);
    const bytes = Uint8Array.from(Buffer.from(digits, "hex"));
    const id = idOf(bytes);
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
