import { type ChildProcess, spawn } from "node:child_process";

import { type MonitorFact, parseMonitorLine } from "./ip-monitor-lines.ts";
import { LineSplitter } from "./line-splitter.ts";
import type { Troubles } from "./troubles.ts";

export interface IpMonitorOptions {
  /** What one piece of output said, in its order. */
  readonly onFacts: (facts: readonly MonitorFact[]) => void;
  /** The monitor was started, for the first time or again: facts were missed before, so look. */
  readonly onStarted: () => void;
  readonly troubles: Troubles;
}

/** A monitor that cannot live must not cost the machine its time. */
const restartMillis = 250;

/**
 * One long-lived `ip -o monitor address link`. It says *when* something changed within a fraction
 * of a millisecond; *what* is there now, the kernel is asked directly, because lines read late tell
 * of a world that is gone.
 */
export class IpMonitor {
  readonly #options: IpMonitorOptions;
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: IpMonitorOptions) {
    this.#options = options;
  }

  start(): void {
    const child = spawn("ip", ["-o", "monitor", "address", "link"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.#child = child;
    const splitter = new LineSplitter();
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (chunk: string) => {
      if (this.#stopped || this.#child !== child) return;
      const facts = splitter.push(chunk).map(parseMonitorLine);
      this.#options.onFacts(facts.filter((fact) => fact !== undefined));
    });
    child.once("error", (error) => this.#ended(child, error.message));
    child.once("exit", (code, signal) => this.#ended(child, `it ended with ${signal ?? code}`));
    // One that cannot live has been started, too: an alert must not end and begin with every attempt.
    setTimeout(() => {
      if (this.#child === child) this.#options.troubles.mended("monitor");
    }, restartMillis).unref();
    this.#options.onStarted();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#restart);
    this.#child?.kill("SIGKILL");
  }

  #ended(child: ChildProcess, reason: string): void {
    if (this.#stopped || this.#child !== child) return;
    this.#child = undefined;
    this.#options.troubles.say(
      "monitor",
      `Cannot follow the kernel with ip monitor: ${reason}; starting it again`,
    );
    this.#restart = setTimeout(() => this.start(), restartMillis);
  }
}
