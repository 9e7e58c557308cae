import type { Count, Exclusion, Recent } from "./messages.ts";
import type { Start } from "./open-log.ts";
import { ReaderThread } from "./reader-thread.ts";

/** The access_logs of this machine, read in a thread of their own, away from the heart. */
export interface TrafficWatch extends AsyncDisposable {
  /**
   * Begins to follow. Resolves when every file was looked at; what is wrong with one is told to
   * `onTrouble`, not thrown. Rejects if the reader's thread cannot be started.
   */
  start(): Promise<void>;
  /**
   * Resolves when everything written so far has been read and counting for `id` has begun, at zero.
   * Every change is told to `onCount` until another count is begun.
   */
  count(id: string): Promise<void>;
  /**
   * Leaves these clients, IP addresses in their shortest form, out of the count `id`: from its
   * beginning, whenever this is called, and instead of those of an earlier call. Without effect on
   * any other count. Where more than 10,000 clients came, those after them are counted until they
   * are excluded.
   */
  exclude(id: string, addresses: readonly string[]): void;
  /** What was served in the last `spanMillis`, 1,000 to 60,000. */
  recent(spanMillis: number): Promise<Recent>;
  /**
   * Waits for the line of our own request with this tag. Resolves with how many milliseconds it
   * took to appear, counted from this call, which therefore comes before the request is sent;
   * undefined when the signal or the end of the watch ends the waiting. A line already read is
   * found at once.
   */
  awaitTag(tag: string, options: { readonly signal: AbortSignal }): Promise<number | undefined>;
}

export interface TrafficWatchOptions {
  /** Summed. A file named twice is read once. */
  readonly paths: readonly string[];
  /** One that compileFormat takes: a name, or a pattern in the web server's notation. */
  readonly format: string;
  readonly onCount: (count: Count) => void;
  /**
   * Once when it begins, and once without a sentence when it is over. `place`: the path of a file, or
   * `reader`.
   */
  readonly onTrouble: (place: string, sentence: string | undefined) => void;
}

export function watchTraffic(options: TrafficWatchOptions): TrafficWatch {
  return new ThreadedWatch(options);
}

/** Remembers what the reader last reported, so that another reader can go on from there. */
class ThreadedWatch implements TrafficWatch {
  readonly #thread: ReaderThread;
  /** Where each file stands, in the order of the paths. */
  #starts: readonly Start[];
  /** The count that is told; undefined also while one is being begun. */
  #count: Count | undefined;
  #exclusion: Exclusion | undefined;
  /** Counts begun so far: an answer to any but the last is late. */
  #turns = 0;

  constructor(options: TrafficWatchOptions) {
    const paths = [...new Set(options.paths)];
    this.#starts = paths.map(() => "end");
    this.#thread = new ReaderThread({
      start: () => ({
        files: paths.map((path, index) => ({ path, start: this.#starts[index] ?? "end" })),
        format: options.format,
        count: this.#count,
        exclusion: this.#exclusion,
      }),
      onReport: ({ count, positions }) => {
        this.#starts = positions;
        if (count === undefined || this.#count === undefined) return;
        this.#count = count;
        options.onCount(count);
      },
      onTrouble: options.onTrouble,
    });
  }

  async start(): Promise<void> {
    this.#thread.start();
    await this.recent(1_000);
  }

  count(id: string): Promise<void> {
    this.#count = undefined;
    this.#turns += 1;
    const turn = this.#turns;
    return new Promise((resolve, reject) => {
      // In the turn of the answer, not after it: the first report may be the very next message.
      const settle = (): void => {
        if (turn === this.#turns) {
          this.#count = { id, requests: 0, errors: 0, tags: [], unreadable: 0 };
        }
        resolve();
      };
      this.#thread.open({ question: { kind: "begin-count", id }, settle, fail: reject });
    });
  }

  exclude(id: string, addresses: readonly string[]): void {
    this.#exclusion = { id, addresses };
    this.#thread.tell({ kind: "exclude", exclusion: this.#exclusion });
  }

  recent(spanMillis: number): Promise<Recent> {
    if (!(spanMillis >= 1_000 && spanMillis <= 60_000)) {
      throw new RangeError(`Cannot sum ${spanMillis} ms of traffic: a span is 1,000 to 60,000 ms`);
    }
    return this.#thread.ask({ kind: "recent", span: spanMillis });
  }

  awaitTag(tag: string, { signal }: { readonly signal: AbortSignal }): Promise<number | undefined> {
    const askedAt = performance.now();
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve(undefined);
        return;
      }
      const giveUp = (): void => {
        this.#thread.forget(number);
        resolve(undefined);
      };
      const number = this.#thread.open({
        question: { kind: "await-tag", tag },
        settle: () => {
          signal.removeEventListener("abort", giveUp);
          resolve(performance.now() - askedAt);
        },
        fail: () => {
          signal.removeEventListener("abort", giveUp);
          resolve(undefined);
        },
      });
      signal.addEventListener("abort", giveUp, { once: true });
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#thread[Symbol.asyncDispose]();
  }
}
