import { open } from "node:fs/promises";
import { join } from "node:path";

import { replaceFile } from "./durable-file.ts";
import { errorCode, reasonOf } from "./failure.ts";
import { ownershipFault } from "./ownership.ts";

/** A swap that waits for its hour. */
export interface WaitingSwap {
  /** The id that the swap will have: 12 hex digits. */
  readonly id: string;
  /** Who shall hold the address. */
  readonly node: string;
  /** Its hour, in milliseconds since 1970. */
  readonly at: number;
  /** When it was asked for, in milliseconds since 1970. */
  readonly askedAt: number;
}

/** More than anybody plans; a mistake in a script shall not fill a memory. */
export const waitingMax = 16;

const fileName = "waiting.json";
const bytesMax = 64 * 1024;

export function waitingPath(directory: string): string {
  return join(directory, fileName);
}

export async function writeWaiting(
  directory: string,
  swaps: readonly WaitingSwap[],
): Promise<void> {
  await replaceFile(waitingPath(directory), `${JSON.stringify({ waiting: swaps })}\n`);
}

export interface WaitingFound {
  readonly swaps: readonly WaitingSwap[];
  /** Why some or all of them are lost, as a sentence. */
  readonly problem: string | undefined;
}

/**
 * The swaps that an agent before this one left waiting. Any bytes are allowed; what makes no sense
 * is left out, and so is what others than its owner could have written: it would move the address.
 */
export async function readWaiting(directory: string): Promise<WaitingFound> {
  const path = waitingPath(directory);
  const none = (found: string): WaitingFound => ({
    swaps: [],
    problem: `Cannot use the waiting swaps in ${path}: ${found}`,
  });
  try {
    await using handle = await open(path);
    const stats = await handle.stat();
    const fault = ownershipFault(path, stats, { forbidden: 0o022, mended: "600" });
    if (fault !== undefined) return none(fault);
    if (stats.size > bytesMax) return none(`it is larger than ${bytesMax} bytes`);
    const swaps = parse(await handle.readFile("utf8"));
    return swaps === undefined ? none("it is damaged") : { swaps, problem: undefined };
  } catch (error) {
    if (errorCode(error) === "ENOENT") return { swaps: [], problem: undefined };
    return none(reasonOf(error));
  }
}

/** Undefined: a part of it makes no sense, so that nothing of it can be relied on. */
function parse(text: string): readonly WaitingSwap[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const list = isObject(value) ? value["waiting"] : undefined;
  if (!Array.isArray(list) || list.length > waitingMax) return undefined;
  const swaps = list.map(swapOf);
  return swaps.includes(undefined) ? undefined : (swaps as WaitingSwap[]);
}

function swapOf(value: unknown): WaitingSwap | undefined {
  if (!isObject(value)) return undefined;
  const { id, node, at, askedAt } = value;
  if (typeof id !== "string" || !/^[0-9a-f]{12}$/.test(id)) return undefined;
  if (typeof node !== "string" || node.length > 32) return undefined;
  if (!isTime(at) || !isTime(askedAt)) return undefined;
  return { id, node, at, askedAt };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** Beyond this many milliseconds JavaScript knows no calendar. */
function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && Math.abs(value as number) <= 8.64e15;
}
