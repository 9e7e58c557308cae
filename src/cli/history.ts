import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";

import type { TellLevel } from "../core/effect.ts";
import { errorCode, reasonOf } from "./failure.ts";
import { PatientWriter, type ReportTrouble } from "./patient-writer.ts";

/** One thing that happened, for people: one JSON line in `history.jsonl`. */
export interface HistoryEntry {
  /** Wall-clock time in ISO 8601; printed, never compared. */
  readonly at: string;
  readonly level: TellLevel;
  readonly sentence: string;
  /** The highest epoch known at that time. */
  readonly epoch: number;
}

const fileName = "history.jsonl";

/**
 * Then the file becomes `.1`, and the `.1` before it goes: a flapping cable must not fill a disk.
 */
const bytesMax = 1024 * 1024;

/** While the disk does not take them; older ones are given up first. */
const waitingMax = 1000;

export class HistoryWriter {
  readonly #path: string;
  readonly #writer: PatientWriter;
  #waiting: HistoryEntry[] = [];

  constructor(directory: string, report: ReportTrouble) {
    this.#path = join(directory, fileName);
    this.#writer = new PatientWriter({
      write: () => this.#write(),
      sentence: (error) => `Cannot write ${this.#path}: ${reasonOf(error)}`,
      report,
    });
  }

  /** Returns at once. */
  append(entry: HistoryEntry): void {
    this.#waiting.push(entry);
    if (this.#waiting.length > waitingMax) this.#waiting.shift();
    this.#writer.wake();
  }

  settled(): Promise<void> {
    return this.#writer.settled();
  }

  async #write(): Promise<void> {
    const entries = this.#waiting;
    if (entries.length === 0) return;
    this.#waiting = [];
    try {
      await using handle = await open(this.#path, "a", 0o600);
      await handle.writeFile(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
      if ((await handle.stat()).size >= bytesMax) await rename(this.#path, `${this.#path}.1`);
    } catch (error) {
      this.#waiting = [...entries, ...this.#waiting].slice(-waitingMax);
      throw error;
    }
  }
}

/** The last `count` entries, oldest first. A line cut by a crash or a full disk is left out. */
export async function readHistory(directory: string, count: number): Promise<HistoryEntry[]> {
  const path = join(directory, fileName);
  const texts = await Promise.all([`${path}.1`, path].map(readIfThere));
  const entries = texts.join("").split("\n").flatMap(parseEntry);
  return entries.slice(Math.max(0, entries.length - count));
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return "";
    throw error;
  }
}

function parseEntry(line: string): HistoryEntry[] {
  try {
    const value: unknown = JSON.parse(line);
    return isEntry(value) ? [value] : [];
  } catch {
    return [];
  }
}

function isEntry(value: unknown): value is HistoryEntry {
  if (typeof value !== "object" || value === null) return false;
  const { at, level, sentence, epoch } = value as Readonly<Record<string, unknown>>;
  const words = typeof at === "string" && typeof sentence === "string";
  return words && typeof epoch === "number" && ["info", "warning", "error"].includes(String(level));
}
