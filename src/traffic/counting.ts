import type { Count } from "./messages.ts";
import { clientAddress, isAnswered, isServerError, type LogLine } from "./parse/line.ts";

export const nothingYet = { requests: 0, errors: 0, tags: [], unreadable: 0 } as const;

/** More clients than that within one proof are counted in sum: memory has a bound. */
export const clientsMax = 10_000;

/**
 * A count that goes on, from zero or from where a reader before us stood.
 *
 * Which clients do not count is learnt a moment after their lines were read. So each client has a
 * tally of its own, and what the excluded ones have is subtracted whenever the count is told: their
 * list may come late, grow and shrink, and holds for the whole count. What a reader before us has
 * counted is a sum, from which nothing can be subtracted any more.
 */
export class Counting {
  readonly id: string;
  readonly #tags = new NewestTags(64);
  readonly #clients = new Map<string, Tally>();
  #excluded: ReadonlySet<string> = new Set();
  #requests: number;
  #errors: number;
  #unreadable: number;

  constructor(from: Count) {
    this.id = from.id;
    this.#requests = from.requests;
    this.#errors = from.errors;
    this.#unreadable = from.unreadable;
    for (const tag of from.tags) this.#tags.add(tag);
  }

  get count(): Count {
    let [requests, errors] = [this.#requests, this.#errors];
    for (const client of this.#excluded) {
      const tally = this.#clients.get(client);
      requests -= tally?.requests ?? 0;
      errors -= tally?.errors ?? 0;
    }
    return {
      id: this.id,
      requests,
      errors,
      tags: this.#tags.list,
      unreadable: this.#unreadable,
    };
  }

  /** Instead of those excluded before. */
  exclude(addresses: readonly string[]): void {
    this.#excluded = new Set(
      addresses.map((address) => clientAddress(address.toLowerCase()) ?? ""),
    );
  }

  take(line: LogLine | undefined): void {
    if (line === undefined) this.#unreadable += 1;
    else if (!isAnswered(line.status)) return;
    else if (line.canary === undefined) this.#add(line.client, isServerError(line.status));
    else if (!isServerError(line.status)) this.#tags.add(line.canary);
  }

  #add(client: string | undefined, failed: boolean): void {
    const named = client !== undefined && client.length <= addressMax;
    const tally = named ? this.#tallyOf(client.toLowerCase()) : undefined;
    // Excluded, and too many others to remember it by: it cannot be counted again, and need not.
    if (tally === "excluded") return;
    this.#requests += 1;
    if (failed) this.#errors += 1;
    if (tally === undefined) return;
    tally.requests += 1;
    if (failed) tally.errors += 1;
  }

  #tallyOf(client: string): Tally | "excluded" | undefined {
    const known = this.#clients.get(client);
    if (known !== undefined) return known;
    if (this.#clients.size >= clientsMax) {
      return this.#excluded.has(client) ? "excluded" : undefined;
    }
    const tally = { requests: 0, errors: 0 };
    // A copy: what was cut out of a line keeps the whole line in memory.
    this.#clients.set(Buffer.from(client, "latin1").toString("latin1"), tally);
    return tally;
  }
}

/** Characters; nothing longer is an address. */
const addressMax = 64;

interface Tally {
  requests: number;
  errors: number;
}

/** Bounded, since anybody can send us tags. */
export class NewestTags {
  readonly #max: number;
  readonly #tags = new Set<string>();

  constructor(max: number) {
    this.#max = max;
  }

  get list(): readonly string[] {
    return [...this.#tags];
  }

  has(tag: string): boolean {
    return this.#tags.has(tag);
  }

  add(tag: string): void {
    this.#tags.delete(tag);
    this.#tags.add(tag);
    const oldest = this.#tags.values().next();
    if (this.#tags.size > this.#max && oldest.done !== true) this.#tags.delete(oldest.value);
  }
}
