import { open } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";

import { type JournalEntry, type SwapMark, swapStages } from "../core/effect.ts";
import { route } from "./configuration/formats.ts";
import { replaceFile } from "./durable-file.ts";
import { errorCode, exitCodes, Failure, reasonOf } from "./failure.ts";
import { ownershipFault } from "./ownership.ts";
import { PatientWriter, type ReportTrouble } from "./patient-writer.ts";

/** The core's last word, and who wrote it when. */
export interface JournalRecord {
  readonly entry: JournalEntry;
  readonly bootId: string;
  readonly pid: number;
  /** What was held, or would have been: the next agent may have another list. */
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
}

export interface JournalOptions {
  readonly directory: string;
  readonly bootId: string;
  /** In force when an entry is written. */
  readonly addresses: () => readonly string[];
  readonly routes: readonly string[];
  readonly report: ReportTrouble;
}

export type JournalFound =
  | { readonly kind: "found"; readonly record: JournalRecord }
  /** Nothing that can be used; `reason` is undefined on a machine that never had one. */
  | { readonly kind: "none"; readonly reason: string | undefined };

const fileName = "journal.json";
const bytesMax = 512 * 1024;

/**
 * Remembers across a restart of the agent. Each entry replaces the one before it whole, by a rename
 * that is on the disk before it counts; while the disk is slow only the newest waits.
 */
export class Journal {
  readonly #options: JournalOptions;
  readonly #writer: PatientWriter;
  #last: JournalEntry | undefined;
  #due: JournalEntry | undefined;

  constructor(options: JournalOptions) {
    const { directory, report } = options;
    this.#options = options;
    this.#writer = new PatientWriter({
      write: () => this.#write(),
      sentence: (error) => `Cannot write ${join(directory, fileName)}: ${reasonOf(error)}`,
      report,
    });
  }

  /** Returns at once. */
  write(entry: JournalEntry): void {
    this.#due = entry;
    this.#last = entry;
    this.#writer.wake();
  }

  /** The last entry again, with the addresses that are in force now. */
  writeAgain(): void {
    if (this.#last !== undefined) this.write(this.#last);
  }

  /** Resolves when the newest entry is on the disk, or could not be written. */
  settled(): Promise<void> {
    return this.#writer.settled();
  }

  async #write(): Promise<void> {
    const entry = this.#due;
    if (entry === undefined) return;
    const { directory, bootId, routes } = this.#options;
    const addresses = this.#options.addresses();
    const record: JournalRecord = { entry, bootId, pid: process.pid, addresses, routes };
    await replaceFile(join(directory, fileName), `${JSON.stringify(record)}\n`);
    if (this.#due === entry) this.#due = undefined;
  }
}

/** What a journal file says; any bytes are allowed, and what makes no sense counts as none. */
export async function readJournal(directory: string): Promise<JournalFound> {
  const path = join(directory, fileName);
  const none = (found: string): JournalFound => ({
    kind: "none",
    reason: `Cannot use the journal ${path}: ${found}`,
  });
  try {
    await using handle = await open(path);
    const stats = await handle.stat();
    const fault = ownershipFault(path, stats, { forbidden: 0o022, mended: "600" });
    if (fault !== undefined) {
      throw new Failure(exitCodes.usage, `Cannot use the journal ${path}: ${fault}`);
    }
    if (stats.size > bytesMax) return none(`it is larger than ${bytesMax} bytes`);
    const record = parseRecord(await handle.readFile("utf8"));
    return record === undefined ? none("it is damaged") : { kind: "found", record };
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (errorCode(error) === "ENOENT") return { kind: "none", reason: undefined };
    return none(reasonOf(error));
  }
}

function parseRecord(text: string): JournalRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { entry: raw, bootId, pid, addresses = [], routes = [] } = value;
  const entry = parseEntry(raw);
  if (entry === undefined || typeof bootId !== "string" || !isCount(pid)) return undefined;
  if (!Array.isArray(addresses) || !addresses.every(isAddress)) return undefined;
  if (!Array.isArray(routes) || !routes.every(isRoute)) return undefined;
  return { entry, bootId, pid, addresses, routes };
}

function parseEntry(raw: unknown): JournalEntry | undefined {
  if (!isObject(raw) || !isObject(raw["freeze"])) return undefined;
  const { epoch, blind, holding, released } = raw;
  const { on, stamp } = raw["freeze"];
  if (!isCount(epoch) || !isCount(stamp)) return undefined;
  if (typeof blind !== "boolean" || typeof holding !== "boolean") return undefined;
  if (typeof released !== "boolean" || typeof on !== "boolean") return undefined;
  const swap = parseMark(raw["swap"]);
  if (swap === "damaged") return undefined;
  return {
    epoch,
    blind,
    holding,
    released,
    freeze: { on, stamp },
    swap,
  };
}

function parseMark(raw: unknown): SwapMark | undefined | "damaged" {
  if (raw === undefined) return undefined;
  if (!isObject(raw)) return "damaged";
  const { id, to } = raw;
  const stage = swapStages.find((one) => one === raw["stage"]);
  if (typeof id !== "string" || !/^[0-9a-f]{12}$/.test(id) || stage === undefined) return "damaged";
  if (typeof to !== "string" || !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(to)) return "damaged";
  return { id, stage, to };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

const isRoute = (value: unknown): value is string =>
  typeof value === "string" && route.read(value) !== undefined;

const isAddress = (value: unknown): value is string => typeof value === "string" && isIP(value) > 0;

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
