import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { createInterface } from "node:readline";

import { environment } from "./command.ts";
import { childrenOf, isStopped } from "./proc.ts";
import { until } from "./wait.ts";

export interface SpawnOptions {
  /** A file that gets what the process writes, appended. Otherwise: a pipe, which must be read. */
  readonly output?: string;
}

/**
 * A process that lives in the lab. `nsenter` stands between it and us and waits for it, so its own
 * pid is that of nsenter's one child.
 */
export class LabProcess implements AsyncDisposable {
  readonly #nsenter: ChildProcess;
  readonly #gone: Promise<void>;
  #complaint = "";
  /** As seen from outside the lab. */
  readonly pid: number;

  private constructor(nsenter: ChildProcess, gone: Promise<void>, pid: number) {
    this.#nsenter = nsenter;
    this.#gone = gone;
    this.pid = pid;
    nsenter.stderr?.on("data", (chunk) => {
      this.#complaint = `${this.#complaint}${chunk}`.slice(-2000);
    });
  }

  static async start(
    enter: readonly string[],
    argv: readonly string[],
    { output }: SpawnOptions = {},
  ): Promise<LabProcess> {
    const [file = "", ...rest] = [...enter, ...argv];
    const log = output === undefined ? undefined : openSync(output, "a");
    const out = log ?? "pipe";
    // A session of its own: a Ctrl-C typed at the practice is for the practice alone.
    const nsenter = spawn(file, rest, {
      env: environment(),
      detached: true,
      stdio: ["pipe", out, out],
    });
    if (log !== undefined) closeSync(log);
    const gone = new Promise<void>((resolve) => {
      nsenter.once("close", () => resolve());
      nsenter.once("error", () => resolve());
    });
    nsenter.stdin?.on("error", () => {
      // The process went first; `gone` tells.
    });
    const pid = await firstChild(nsenter, gone, argv);
    return new LabProcess(nsenter, gone, pid);
  }

  /** Resolves when the process has ended and its output is complete. */
  get gone(): Promise<void> {
    return this.#gone;
  }

  /** The end of what the process wrote to its standard error, unless that goes to a file. */
  get complaint(): string {
    return this.#complaint.trim();
  }

  get running(): boolean {
    return this.#nsenter.exitCode === null && this.#nsenter.signalCode === null;
  }

  get stdin(): NodeJS.WritableStream | null {
    return this.#nsenter.stdin;
  }

  /** Hands on what the process writes. Asserts that it does not write to a file. */
  onLine(take: (line: string) => void): void {
    const { stdout } = this.#nsenter;
    if (stdout === null) throw new Error("Cannot read a process whose output goes to a file");
    createInterface({ input: stdout }).on("line", take);
  }

  kill(signal: NodeJS.Signals): void {
    if (this.running) signalTo(this.pid, signal);
  }

  async stop(): Promise<void> {
    this.kill("SIGSTOP");
    await until("the process stopped", () => isStopped(this.pid), { every: 1 });
  }

  /** nsenter stops when its child does, and has to be woken with it. */
  cont(): void {
    this.kill("SIGCONT");
    if (this.running && this.#nsenter.pid !== undefined) signalTo(this.#nsenter.pid, "SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    this.cont();
    await this.#gone;
  }
}

async function firstChild(
  nsenter: ChildProcess,
  gone: Promise<void>,
  argv: readonly string[],
): Promise<number> {
  let ended = false;
  void gone.then(() => {
    ended = true;
  });
  let child: number | undefined;
  await until(
    `${argv.join(" ")} started`,
    () => {
      if (nsenter.pid !== undefined) child = childrenOf(nsenter.pid)[0];
      return child !== undefined || ended;
    },
    { every: 2 },
  );
  if (child === undefined) {
    throw new Error(`Cannot start ${argv.join(" ")} in the lab: it ended at once`);
  }
  return child;
}

/** A process that has gone in the meantime is what the signal wanted, or no news. */
function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
