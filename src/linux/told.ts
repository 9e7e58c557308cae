import type { Report } from "../agent/ports.ts";
import type { Event } from "../core/event.ts";

type Observed = Extract<
  Event,
  { kind: "carrier-observed" | "address-observed" | "silent-observed" }
>;

/** What was last reported of the kernel: the same thing seen again is no news. */
export class Told {
  readonly #report: Report;
  readonly #last = new Map<Observed["kind"], string>();

  constructor(report: Report) {
    this.#report = report;
  }

  news(event: Observed): void {
    if (!this.isLast(event)) this.again(event);
  }

  /** Owed to somebody, news or not. */
  again(event: Observed): void {
    this.#last.set(event.kind, JSON.stringify(event));
    this.#report(event);
  }

  isLast(event: Observed): boolean {
    return this.#last.get(event.kind) === JSON.stringify(event);
  }
}
