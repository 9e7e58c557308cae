import { Worker, type WorkerOptions } from "node:worker_threads";

import type { Answers, FromReader, Question, ReaderStart, ToReader } from "./messages.ts";

export interface ReaderThreadOptions {
  /** What the next thread is started with: asked again for every thread. */
  readonly start: () => ReaderStart;
  readonly onReport: (report: Extract<FromReader, { kind: "report" }>) => void;
  /** Without a sentence: it is over. `place`: the path of a file, or `reader`. */
  readonly onTrouble: (place: string, sentence: string | undefined) => void;
}

export interface OpenQuestion {
  readonly question: Question;
  readonly settle: (answer: Answers[keyof Answers]) => void;
  readonly fail: (error: Error) => void;
}

/**
 * Keeps one reader alive. If its thread dies, another one goes on from its last report, in which
 * counts and positions belong together: nothing is missed or counted twice, except in a file that
 * had been renamed away by then; the trouble says so. What was asked and not answered is asked
 * again.
 *
 * A thread that waits for a dead file server is not dead and is left alone: a second one would wait
 * too.
 */
export class ReaderThread implements AsyncDisposable {
  readonly #options: ReaderThreadOptions;
  readonly #open = new Map<number, OpenQuestion>();
  /** Of which somebody was told that something is the matter with them. */
  readonly #troubled = new Set<string>();
  #worker: Worker | undefined;
  #lastNumber = 0;
  /** It has answered once, so that the installation is sound and dying is an accident. */
  #proved = false;
  #bornAt = 0;
  #deaths = 0;
  #rebirth: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: ReaderThreadOptions) {
    this.#options = options;
  }

  start(): void {
    const worker = new Worker(workerUrl, { ...workerOptions, workerData: this.#options.start() });
    let reason: string | undefined;
    worker.on("message", (message: FromReader) => this.#hear(message));
    worker.on("error", (error) => {
      reason = error.message;
    });
    worker.on("exit", (code) => this.#mourn(reason ?? `it ended with exit code ${code}`));
    this.#worker = worker;
    this.#bornAt = performance.now();
    for (const [number, { question }] of this.#open) this.tell({ kind: "ask", number, question });
  }

  /** Rejects only when the watch is stopped, or its first thread could not start. */
  ask<Kind extends keyof Answers>(question: Question & { kind: Kind }): Promise<Answers[Kind]> {
    return new Promise((resolve, fail) => {
      // The reader answers every kind of question with its kind of answer (messages.ts).
      this.open({ question, settle: (answer) => resolve(answer as Answers[Kind]), fail });
    });
  }

  /** Asks; the answer is handed to `settle` in the turn in which it comes. */
  open(question: OpenQuestion): number {
    this.#lastNumber += 1;
    const number = this.#lastNumber;
    if (this.#stopped) {
      question.fail(new Error("Cannot ask for traffic: the watch was stopped"));
      return number;
    }
    this.#open.set(number, question);
    this.tell({ kind: "ask", number, question: question.question });
    return number;
  }

  forget(number: number): void {
    this.#open.delete(number);
    this.tell({ kind: "forget", number });
  }

  tell(message: ToReader): void {
    this.#worker?.postMessage(message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop(new Error("Cannot go on reading access_logs: the watch was stopped"));
    await this.#worker?.terminate();
  }

  #hear(message: FromReader): void {
    if (this.#stopped) return;
    this.#tellTrouble(readerItself, undefined);
    switch (message.kind) {
      case "report":
        this.#options.onReport(message);
        return;
      case "trouble":
        this.#tellTrouble(message.path, message.sentence);
        return;
      case "answer": {
        this.#proved = true;
        const open = this.#open.get(message.number);
        this.#open.delete(message.number);
        open?.settle(message.answer);
        return;
      }
    }
  }

  #mourn(reason: string): void {
    this.#worker = undefined;
    if (this.#stopped) return;
    if (!this.#proved) {
      this.#stop(new Error(`Cannot start the reader of the access_logs: ${reason}`));
      return;
    }
    if (performance.now() - this.#bornAt > soundMillis) this.#deaths = 0;
    const wait = Math.min(rebirthMillis * 2 ** this.#deaths, rebirthMillisMax);
    this.#deaths += 1;
    this.#rebirth = setTimeout(() => this.start(), wait);
    // The next one looks at every file anew.
    this.#forgetTroubles();
    this.#tellTrouble(
      readerItself,
      `The reader of the access_logs died: ${reason}; another one starts in ${wait} ms ` +
        "and goes on where it stood; only lines in a file renamed meanwhile may be missed",
    );
  }

  #tellTrouble(place: string, sentence: string | undefined): void {
    const known = this.#troubled.delete(place);
    if (sentence !== undefined) this.#troubled.add(place);
    if (known || sentence !== undefined) this.#options.onTrouble(place, sentence);
  }

  #forgetTroubles(): void {
    for (const place of this.#troubled) this.#tellTrouble(place, undefined);
  }

  #stop(error: Error): void {
    this.#stopped = true;
    clearTimeout(this.#rebirth);
    this.#forgetTroubles();
    for (const { fail } of this.#open.values()) fail(error);
    this.#open.clear();
  }
}

const readerItself = "reader";

const rebirthMillis = 100;
const rebirthMillisMax = 30_000;
/** One that lived so long did not die of its birth. */
const soundMillis = 60_000;

/**
 * Compiled beside us as .js, or run from source by a loader as .ts: tsc rewrites imports, but no
 * URLs.
 */
const fromSource = import.meta.url.endsWith(".ts");
const workerUrl = fromSource
  ? new URL("./worker.ts", import.meta.url)
  : new URL("./worker.js", import.meta.url);

/**
 * For a thread of ours. The loader that runs us from source does not reach into a new thread, and tsx named by `--import`
 * declines to load itself there on Node 20: it is called by its own interface instead.
 */
export function loaderArguments(): string[] {
  if (!fromSource) return [];
  const tsx = import.meta.resolve("tsx/esm/api");
  const script = `import { register } from ${JSON.stringify(tsx)}; register();`;
  return ["--import", `data:text/javascript,${encodeURIComponent(script)}`];
}

const workerOptions: WorkerOptions = {
  name: "access_log reader",
  execArgv: loaderArguments(),
  // Lines die young; what grows old is some KiB. A leak shall end this thread, not the machine.
  resourceLimits: { maxOldGenerationSizeMb: 48, maxYoungGenerationSizeMb: 8 },
};
