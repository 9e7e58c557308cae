import { now } from "../../linux/alarm-clock.ts";
import type { Recent } from "../../traffic/messages.ts";
import type { RecentTraffic } from "../status.ts";

/** Long enough for a rate, short enough to be of now. */
const spanMillis = 5000;
/** More often than once a second nobody can read it. */
const askEveryMillis = 1000;
/** An older one says nothing of now. */
const freshMillis = 3000;

/**
 * What this machine served a moment ago, as its access_log shows it. Whoever draws a status cannot wait for
 * the reader's thread: it gets the last answer, and the next one is asked for.
 */
export class RecentWatch {
  readonly #ask: (spanMillis: number) => Promise<Recent>;
  #last: (Recent & { readonly at: number }) | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(ask: (spanMillis: number) => Promise<Recent>) {
    this.#ask = ask;
  }

  /** Null: not known yet, or not any more. */
  look(): RecentTraffic | null {
    const at = now();
    if (at - this.#askedAt >= askEveryMillis) {
      this.#askedAt = at;
      void this.#askAgain();
    }
    if (this.#last === undefined || at - this.#last.at > freshMillis) return null;
    const { requests, errors, span } = this.#last;
    return { requests, errors, span, age: at - this.#last.at };
  }

  async #askAgain(): Promise<void> {
    try {
      this.#last = { ...(await this.#ask(spanMillis)), at: now() };
    } catch {
      // The watch was stopped or replaced; what is wrong with a log is told elsewhere.
    }
  }
}
