import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

import type { Status } from "../cli/status.ts";
import type { CommandResult } from "./command.ts";
import type { LabProcess } from "./lab-process.ts";
import type { Machine } from "./machine.ts";
import { agentFiles, failoverCommand } from "./own-script.ts";
import { childrenOf, commandLineOf } from "./proc.ts";
import { until } from "./wait.ts";

/** The failover agent of one machine, and the commands that an administrator types there. */
export class Agent {
  readonly #machine: Machine;
  #process: LabProcess | undefined;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Resolves when the process runs, not when the agent has made up its mind. */
  async start(): Promise<void> {
    const { name } = this.#machine;
    const places = ["--config", agentFiles.configuration, "--socket", agentFiles.socket];
    const self = ["--node", name, "--state-dir", agentFiles.state];
    const command = [...failoverCommand(), "agent", ...places, ...self];
    const output = this.#machine.path("log/agent.log");
    this.#process = await this.#machine.spawn(command, { output });
  }

  get isRunning(): boolean {
    return this.#process?.running === true;
  }

  get process(): LabProcess {
    if (this.#process === undefined) {
      throw new Error(`Cannot signal the agent of ${this.#machine.name}: it was never started`);
    }
    return this.#process;
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    this.process.kill(signal);
    await this.process.gone;
  }

  /** Its long-lived child that changes addresses. */
  batchChild(): number | undefined {
    return childrenOf(this.process.pid).find((pid) => commandLineOf(pid).includes("-batch"));
  }

  /** Types `failover ARGUMENTS` on this machine. */
  failover(...words: readonly string[]): Promise<CommandResult> {
    return this.#machine.exec(["/run/bin/failover", ...words]);
  }

  /** Undefined while the agent does not answer. */
  async status(): Promise<Status | undefined> {
    const result = await this.failover("status", "--json");
    return result.ok ? (JSON.parse(result.stdout) as Status) : undefined;
  }

  /** Resolves when the agent answers and says that this is its role. */
  async untilRole(role: string, within = 10_000): Promise<void> {
    const what = `the agent of ${this.#machine.name} says ${role}`;
    await until(what, async () => (await this.status())?.role === role, { within, every: 100 });
  }

  log(): string {
    return readFileSync(this.#machine.path("log/agent.log"), "utf8");
  }
}

/** The key of the pair: the same on both machines, readable to root alone. */
export function newKey(): string {
  return `${randomBytes(32).toString("hex")}\n`;
}
