import { test } from "vitest";

import { ControlClient } from "../../../src/cli/control-client.ts";
import type { CommandResult } from "../../../src/practice/command.ts";
import type { ConfigurationOverrides } from "../../../src/practice/configuration.ts";
import { Lab } from "../../../src/practice/lab.ts";
import { type MachineName, machineNames, other } from "../../../src/practice/network.ts";
import { ownScript } from "../../../src/practice/own-script.ts";
import type { Station } from "../../../src/practice/station.ts";
import { pause, until } from "../../../src/practice/wait.ts";
import { loadScript } from "./crowd.ts";
import type { LineServerOptions } from "./line-server.ts";

/** REPEAT of more than 1: also what takes minutes. */
export const thorough = Number(process.env["REPEAT"] ?? 1) > 1;

/** A test that is there only then, so that none is ever shown as skipped. */
export function longTest(name: string, run: () => Promise<void>): void {
  if (thorough) test(name, run);
}

export const exitCodes = { done: 0, usage: 2, refused: 3, rolledBack: 4, unknown: 5 } as const;

/** What nginx does of itself for connections that are idle: it closes them the HTTP way. */
export const reload = "nginx -s reload -p /run/web/ -c nginx.conf -e /run/log/web.log";

/** A lab whose agents hand connections over, with web and echo servers on both machines. */
export class DrainLab implements AsyncDisposable {
  readonly lab: Lab;
  /** What a test that failed is to show is read before the lab goes. */
  #lastWords: string | undefined;

  private constructor(lab: Lab) {
    this.lab = lab;
  }

  static async start(
    swap: Readonly<Record<string, unknown>> = {},
    overrides: ConfigurationOverrides = {},
  ): Promise<DrainLab> {
    const all = { mode: "drain", verifyTime: "8s", drainTime: "10s", ...swap };
    const lab = await Lab.create({ configuration: { swap: all, ...overrides } });
    try {
      await lab.startWebs();
      for (const name of machineNames) await startEcho(lab, name);
      await lab.startAgents();
      await lab.untilHeldBy("primary", { within: 30_000 });
      await lab.agents.backup.untilRole("standby");
      return new DrainLab(lab);
    } catch (error) {
      console.error(logsOf(lab));
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Typed on the target; with more words on the holder, whose matter a share and a drainTime are. */
  promote(node: MachineName, ...words: readonly string[]): Promise<CommandResult> {
    const on = words.length === 0 ? node : other(node);
    return this.lab.agents[on].failover("promote", node, ...words);
  }

  /** Brings everything back to a well pair that is not in a swap. */
  async calm(): Promise<{ holder: MachineName; standby: MachineName }> {
    const { lab } = this;
    await lab.faults.clear();
    for (const name of machineNames) {
      const wasOff = !lab.machines[name].isOn;
      if (wasOff) await lab.machines[name].powerBack();
      if (wasOff) await startEcho(lab, name);
      if (!lab.webs[name].isRunning) await lab.webs[name].start();
      else await lab.webs[name].change({});
      if (!lab.agents[name].isRunning) await lab.agents[name].start();
    }
    await until("the pair is well", () => this.#isWell(), { within: 60_000, every: 200 });
    const [holder = "primary"] = await lab.holders();
    return { holder, standby: other(holder) };
  }

  /** Resolves within a millisecond or two of the agent's word that the swap is in one of these phases. */
  async untilWord(node: MachineName, phases: readonly string[]): Promise<void> {
    const path = this.lab.machines[node].path("failover/www.sock");
    using agent = await ControlClient.connect(path);
    const signal = AbortSignal.timeout(40_000);
    for await (const status of agent.follow({ quietMillisMax: 1000, signal })) {
      if (phases.includes(status?.handover?.phase ?? "")) return;
    }
    throw new Error(`Cannot see that ${node} says ${phases.join(" or ")}: waited 40 s`);
  }

  /** What a kernel has that an administrator can see, and that should be as it was. */
  async tracesIn(node: MachineName): Promise<string> {
    const machine = this.lab.machines[node];
    const [ruleset, addresses, rules, rules6, settings] = await Promise.all([
      machine.mustExec(["nft", "list", "ruleset"]),
      machine.mustExec(["ip", "-o", "address"]),
      machine.mustExec(["ip", "rule"]),
      machine.mustExec(["ip", "-6", "rule"]),
      machine.mustExec(["sh", "-c", "sysctl -a 2>/dev/null | grep '^net.ipv[46]'"]),
    ]);
    // The address of the holder has a lifetime, which runs.
    const kept = addresses.split("\n").map((line) => line.replace(/ valid_lft .*/, ""));
    return [ruleset.trim(), ...kept, rules, rules6, settings].join("\n");
  }

  logs(): string {
    return this.#lastWords ?? logsOf(this.lab);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lastWords = this.logs();
    await this.lab[Symbol.asyncDispose]();
  }

  async #isWell(): Promise<boolean> {
    const statuses = await Promise.all(machineNames.map((name) => this.lab.agents[name].status()));
    const roles = new Set(statuses.map((status) => status?.role));
    const busy = statuses.some((status) => status?.handover !== null);
    const { length } = await this.lab.holders();
    return roles.has("holding") && roles.has("standby") && length === 1 && !busy;
  }
}

/** Resolves when it listens. */
export async function startLineServer(
  at: Station,
  options: LineServerOptions,
  enter: readonly string[] = [],
): Promise<void> {
  await at.spawn([...enter, ...loadScript("line-server", options)]);
  const listening = [...enter, "ss", "-Hltn", `sport = :${options.port}`];
  await until(`port ${options.port} of ${options.name} listens`, async () => {
    return (await at.mustExec(listening)) !== "";
  });
}

async function startEcho(lab: Lab, name: MachineName): Promise<void> {
  await lab.machines[name].spawn(ownScript("echo-server", name));
  await pause(50);
}

const logsOf = (lab: Lab): string =>
  machineNames
    .flatMap((name) => [
      `--- agent of ${name}\n${sentences(lab.agents[name].log())}`,
      `--- web server of ${name}\n${sentences(lab.webs[name].complaints())}`,
    ])
    .join("\n");

/** The scripts for nft are long. */
const sentences = (log: string): string =>
  log
    .split("\n")
    .slice(-80)
    .map((line) => line.slice(0, 200))
    .join("\n");
