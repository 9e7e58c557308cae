import { setTimeout as delay } from "node:timers/promises";

import type { TellLevel } from "../../core/effect.ts";
import type { Order } from "../../core/event.ts";
import { reasonOf } from "../failure.ts";
import { localMinute } from "../logging.ts";
import { PatientWriter, type ReportTrouble } from "../patient-writer.ts";
import { span } from "../spans.ts";
import type { WaitingStatus } from "../status.ts";
import { type WaitingSwap, waitingMax, waitingPath, writeWaiting } from "../waiting-file.ts";

/** What stands in the way of a swap at its hour. */
export type Verdict =
  | { readonly kind: "free" }
  /** There is nothing left to do; `sentence` says why. */
  | { readonly kind: "done"; readonly sentence: string }
  | { readonly kind: "refused"; readonly sentences: readonly string[] };

export interface WaitingSwapsOptions {
  readonly stateDirectory: string;
  /** What an agent before this one left waiting. */
  readonly found: readonly WaitingSwap[];
  /** What `failover check` calls failed. Slow; rejects when it could not be run. */
  readonly check: (signal: AbortSignal) => Promise<readonly string[]>;
  /** What is known at once. */
  readonly judge: (node: string) => Verdict;
  /** Gives an order as if it had been typed now; answers with a sentence if it is refused. */
  readonly order: (order: Order) => string | undefined;
  readonly tell: (level: TellLevel, sentence: string) => void;
  readonly report: ReportTrouble;
  /** What `status` shows has changed. */
  readonly onChange: () => void;
}

/**
 * Swaps that wait for their hour on the clock on the wall. That clock steps and a machine sleeps, so
 * the hour is not left to one long timer: it is looked at the clock again every minute.
 *
 * A swap is taken off the disk before it is begun: an agent that dies in the middle of one must not
 * begin it again when it is back.
 */
export class WaitingSwaps implements AsyncDisposable {
  readonly #options: WaitingSwapsOptions;
  readonly #swaps = new Map<string, Held>();
  readonly #writer: PatientWriter;
  /** Off the list, with the order not yet given. */
  readonly #beginning = new Set<WaitingSwap>();
  /** What the file says by now. */
  #onDisk: ReadonlySet<string>;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: WaitingSwapsOptions) {
    this.#options = options;
    for (const swap of options.found) this.#hold(swap);
    this.#onDisk = new Set(this.#swaps.keys());
    this.#writer = new PatientWriter({
      write: () => this.#write(),
      sentence: (error) =>
        `Cannot write ${waitingPath(options.stateDirectory)}: ${reasonOf(error)}`,
      report: options.report,
    });
  }

  start(): void {
    this.#look();
  }

  list(): readonly WaitingStatus[] {
    const now = Date.now();
    return [...this.#swaps.values()]
      .sort((one, other) => one.swap.at - other.swap.at)
      .map(({ swap: { id, node, at, askedAt }, checking }) => ({
        id,
        node,
        at: localMinute(new Date(at)),
        in: at - now,
        state: checking === undefined ? "waiting" : "checking",
        kept: this.#onDisk.has(id),
        age: now - askedAt,
      }));
  }

  /** Undefined: it waits. Otherwise one sentence why it does not. */
  add({ id, node, at }: Pick<WaitingSwap, "id" | "node" | "at">): string | undefined {
    const now = Date.now();
    const refuse = (found: string): string => `Cannot let a swap to ${node} wait: ${found}`;
    if (this.#swaps.has(id)) return refuse(`${id} waits already`);
    if (this.#swaps.size >= waitingMax) return refuse(`${waitingMax} of them wait already`);
    if (at <= now) return refuse(`${localMinute(new Date(at))} has passed`);
    if (at - now > aheadMax) return refuse("its hour is more than a year away");
    this.#hold({ id, node, at, askedAt: now });
    this.#changed();
    this.#options.tell("info", `A swap to ${node} waits for ${localMinute(new Date(at))} (${id})`);
    this.#look();
    return undefined;
  }

  /** Undefined: it waits no more. Otherwise one sentence why it does. */
  callOff(id: string): string | undefined {
    const held = this.#swaps.get(id);
    if (held === undefined) return `Cannot call off ${id}: no such swap waits here`;
    held.checking?.abort();
    this.#drop(held.swap);
    this.#options.tell("info", `The waiting swap to ${held.swap.node} (${id}) was called off`);
    return undefined;
  }

  /** What waits goes on waiting, on the disk. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const { checking } of this.#swaps.values()) checking?.abort();
    for (const swap of this.#beginning) this.#hold(swap);
    if (this.#beginning.size > 0) this.#writer.wake();
    await this.#writer.settled();
  }

  #hold(swap: WaitingSwap): void {
    this.#swaps.set(swap.id, { swap, checking: undefined });
  }

  #look(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const now = Date.now();
    for (const held of this.#swaps.values()) {
      if (held.checking !== undefined || held.swap.at > now) continue;
      if (now - held.swap.at > lateMax) this.#miss(held.swap, now - held.swap.at);
      else void this.#attempt(held);
    }
    const waiting = [...this.#swaps.values()].filter(({ checking }) => checking === undefined);
    if (waiting.length === 0) return;
    const next = Math.min(...waiting.map(({ swap }) => swap.at)) - now;
    this.#timer = setTimeout(() => this.#look(), Math.min(next, lookMillis));
  }

  #miss(swap: WaitingSwap, late: number): void {
    this.#drop(swap);
    this.#options.tell(
      "warning",
      `The waiting swap to ${swap.node} (${swap.id}) was missed and is not begun: its hour, ` +
        `${localMinute(new Date(swap.at))}, was over for ${span(late)} when it was looked at`,
    );
  }

  async #attempt(held: Held): Promise<void> {
    const { tell, judge, order } = this.#options;
    const { id, node } = held.swap;
    const name = `The waiting swap to ${node} (${id})`;
    const checking = new AbortController();
    held.checking = checking;
    this.#options.onChange();
    tell("info", `${name} has its hour: checking this machine first`);
    const faults = await this.#faults(checking.signal);
    if (checking.signal.aborted) return;
    this.#drop(held.swap);
    this.#beginning.add(held.swap);
    await Promise.race([this.#writer.settled(), delay(writeMillis, undefined, { ref: false })]);
    if (this.#stopped) return;
    this.#beginning.delete(held.swap);
    // Judged after everything slow, so that the verdict is of now.
    const verdict = judge(node);
    if (verdict.kind === "done") {
      tell("info", `${name} is done already: ${verdict.sentence}`);
      return;
    }
    const reasons = [...(verdict.kind === "refused" ? verdict.sentences : []), ...faults];
    if (reasons.length === 0) {
      const refusal = order({
        kind: "promote",
        node,
        id,
        cut: false,
        hold: undefined,
        drainTime: undefined,
      });
      if (refusal === undefined) return;
      reasons.push(refusal);
    }
    tell("warning", `${name} is refused, nothing has moved: ${reasons.join("; ")}`);
  }

  async #faults(signal: AbortSignal): Promise<readonly string[]> {
    try {
      return await this.#options.check(signal);
    } catch (error) {
      return [`failover check could not be run: ${reasonOf(error)}`];
    }
  }

  #drop({ id }: WaitingSwap): void {
    this.#swaps.delete(id);
    this.#changed();
  }

  #changed(): void {
    this.#writer.wake();
    this.#options.onChange();
  }

  async #write(): Promise<void> {
    const swaps = [...this.#swaps.values()].map(({ swap }) => swap);
    await writeWaiting(this.#options.stateDirectory, swaps);
    this.#onDisk = new Set(swaps.map(({ id }) => id));
    this.#options.onChange();
  }
}

interface Held {
  readonly swap: WaitingSwap;
  /** While `check` looks at this machine. */
  checking: AbortController | undefined;
}

const lookMillis = 60_000;
/** An hour that is over for longer is not the quiet one any more. */
const lateMax = 5 * 60_000;
const aheadMax = 366 * 86_400_000;
/** A disk that is slower than this does not keep a swap from its hour. */
const writeMillis = 5000;
