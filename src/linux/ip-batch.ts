import { type ChildProcess, spawn } from "node:child_process";

import type { Millis } from "../core/time.ts";
import { LineSplitter } from "./line-splitter.ts";

export interface IpBatchOptions {
  /** How long a job may take before the child is killed with everything that stands in its pipe. */
  readonly patience: () => Millis;
  /** Every command as an administrator would type it. */
  readonly onCommand: (line: string) => void;
}

export type BatchResult =
  | { readonly kind: "done" }
  /** Some commands were refused, after one repetition by a fresh child; one sentence each. */
  | { readonly kind: "failed"; readonly reasons: readonly string[] }
  /** The child is dead, and nothing that it was told can happen any more. */
  | { readonly kind: "killed"; readonly reason: string }
  /** The same, as whoever asked wished. */
  | { readonly kind: "called-off" };

interface Job {
  lines: readonly string[];
  readonly done: (result: BatchResult) => void;
  repeated: boolean;
  calledOff: boolean;
}

/** Everything about one life of the child: it counts the lines of its stdin from 1. */
interface Life {
  readonly child: ChildProcess;
  linesWritten: number;
  /** Text since the last verdict, which explains the next failure. */
  remarks: string[];
  failures: { readonly line: number; readonly reason: string }[];
}

/** One line of output that nothing else prints: what came before it is done. */
const marker = "link show dev lo";
const markerOutput = /^\d+: lo: </;
const failureOutput = /^Command failed -:(\d+)/;
const restartMillis = 1000;
const callOffMillis = 20;

/**
 * One long-lived `ip -force -batch -`, so that a command costs microseconds and not the start of a
 * process. Jobs run one after the other; each ends with a marker. Three faults are its own:
 *
 * - it remembers interface indexes, so a recreated interface fails: on any failure it is started
 *   again, once, and what failed is repeated, once, unless it was called off;
 * - a line that does not parse ends it: it is started again;
 * - stopped or stuck, it would carry out an old command late: it is killed, which works on a
 *   stopped process too, and the job is over only when the process is *gone*, never while the
 *   kernel may still be working for it.
 */
export class IpBatch {
  readonly #options: IpBatchOptions;
  readonly #jobs: Job[] = [];
  #life: Life | undefined;
  #patience: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;
  #callOffTimer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: IpBatchOptions) {
    this.#options = options;
  }

  /** Warm before it is needed. */
  start(): void {
    this.#life ??= this.#spawn();
  }

  /**
   * Runs `lines`, each without the leading `ip`. `done` is called once, never from within this
   * call. What it returns calls the job off: a child that does not come to it is killed before it can.
   */
  run(lines: readonly string[], done: (result: BatchResult) => void): () => void {
    const job = { lines, done, repeated: false, calledOff: false };
    this.#jobs.push(job);
    if (this.#jobs.length === 1) this.#begin();
    return () => this.#callOff(job);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#patience);
    clearTimeout(this.#restart);
    clearTimeout(this.#callOffTimer);
    this.#life?.child.kill("SIGKILL");
  }

  /** One that waits for others ends in its turn; a child that is well is quicker than its successor. */
  #callOff(job: Job): void {
    if (job.calledOff) return;
    job.calledOff = true;
    if (job !== this.#jobs[0]) {
      job.lines = [];
      return;
    }
    clearTimeout(this.#callOffTimer);
    this.#callOffTimer = setTimeout(() => {
      if (job === this.#jobs[0]) this.#life?.child.kill("SIGKILL");
    }, callOffMillis);
  }

  #begin(): void {
    const job = this.#jobs[0];
    if (job === undefined || this.#stopped) return;
    clearTimeout(this.#restart);
    this.#life ??= this.#spawn();
    for (const line of job.lines) this.#options.onCommand(`ip ${line}`);
    this.#life.linesWritten += job.lines.length + 1;
    this.#life.child.stdin?.write(`${[...job.lines, marker].join("\n")}\n`);
    const { child } = this.#life;
    this.#patience = setTimeout(() => child.kill("SIGKILL"), this.#options.patience());
  }

  #spawn(): Life {
    // One pipe for output and errors keeps them in order; the shell is replaced by ip at once.
    const child = spawn("sh", ["-c", "exec ip -o -force -batch - 2>&1"], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    const life: Life = { child, linesWritten: 0, remarks: [], failures: [] };
    const splitter = new LineSplitter();
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (chunk: string) => {
      for (const line of splitter.push(chunk)) this.#heard(life, line);
    });
    // A write to a child that just died; its exit tells the same.
    child.stdin.on("error", () => {});
    child.once("error", (error) => this.#ended(life, error.message));
    child.once("exit", (code, signal) => this.#ended(life, `ip ended with ${signal ?? code}`));
    return life;
  }

  #heard(life: Life, line: string): void {
    if (life !== this.#life) return;
    const failed = failureOutput.exec(line);
    if (failed !== null) {
      life.failures.push({ line: Number(failed[1]), reason: life.remarks.join(" ").trim() });
      life.remarks = [];
    } else if (markerOutput.test(line)) {
      this.#finished(life);
    } else {
      life.remarks.push(line);
    }
  }

  #finished(life: Life): void {
    const job = this.#jobs[0];
    if (job === undefined) return;
    clearTimeout(this.#patience);
    const first = life.linesWritten - job.lines.length;
    const failures = life.failures.map((failure) => ({
      line: job.lines[failure.line - first] ?? "",
      reason: failure.reason,
    }));
    life.failures = [];
    life.remarks = [];
    if (failures.length === 0) {
      this.#settle({ kind: "done" });
    } else if (job.repeated || job.calledOff) {
      const reasons = failures.map(({ line, reason }) => `Cannot run ip ${line}: ${reason}`);
      this.#settle({ kind: "failed", reasons });
    } else {
      job.repeated = true;
      job.lines = failures.map(({ line }) => line);
      life.child.kill("SIGKILL");
      this.#life = undefined;
      this.#begin();
    }
  }

  #ended(life: Life, reason: string): void {
    if (life !== this.#life || this.#stopped) return;
    this.#life = undefined;
    clearTimeout(this.#patience);
    this.#restart = setTimeout(() => this.start(), restartMillis);
    if (this.#jobs.length > 0) {
      const remarks = life.remarks.join(" ").trim();
      this.#settle({ kind: "killed", reason: remarks === "" ? reason : `${reason}: ${remarks}` });
    }
  }

  #settle(result: BatchResult): void {
    const job = this.#jobs.shift();
    this.#begin();
    job?.done(job.calledOff ? { kind: "called-off" } : result);
  }
}
