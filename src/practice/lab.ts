import { writeFileSync } from "node:fs";
import { stringify } from "yaml";

import { Agent, newKey } from "./agent.ts";
import { Anchor } from "./anchor.ts";
import { type ConfigurationOverrides, pairConfiguration } from "./configuration.ts";
import { Faults } from "./faults.ts";
import { Machine } from "./machine.ts";
import { type MachineName, machineNames, serviceAddress } from "./network.ts";
import { agentFiles } from "./own-script.ts";
import { Station } from "./station.ts";
import { Switch } from "./switch.ts";
import { isInstalled } from "./tools.ts";
import { until, type WaitOptions } from "./wait.ts";
import { Web, type WebServer } from "./web.ts";
import { wiringScript } from "./wiring.ts";

export interface LabOptions {
  /** Default: nginx where it is installed. */
  readonly web?: WebServer;
  readonly configuration?: ConfigurationOverrides;
}

/**
 * Two machines, a switch, a cable, a gateway, a client and an observer on one Linux machine:
 *
 *      client   observer   gateway          10.99.0.0/24, fd99::/64; no route leads out
 *         └────────┼──────────┘
 *       ┌──── service switch ────┐
 *    primary                  backup        each with nginx and an agent
 *       └───────── cable ────────┘          10.98.0.0/30
 *
 * Everything is in namespaces of the lab's own, so that labs can stand side by side, and vanishes
 * with the lab whatever ends it.
 */
export class Lab implements AsyncDisposable {
  readonly anchor: Anchor;
  readonly switch: Switch;
  readonly faults: Faults;
  readonly gateway: Station;
  readonly client: Station;
  /** Watches who answers for the address. Nobody else talks to it, so it disturbs no neighbour entry. */
  readonly observer: Station;
  readonly machines: Readonly<Record<MachineName, Machine>>;
  readonly agents: Readonly<Record<MachineName, Agent>>;
  readonly webs: Readonly<Record<MachineName, Web>>;

  private constructor(anchor: Anchor, web: WebServer) {
    this.anchor = anchor;
    this.switch = new Switch(anchor);
    this.faults = new Faults(this.switch);
    this.gateway = new Station(anchor, "gateway");
    this.client = new Station(anchor, "client");
    this.observer = new Station(anchor, "observer");
    this.machines = both((name) => new Machine(anchor, name, this.switch));
    this.agents = both((name) => new Agent(this.machines[name]));
    this.webs = both((name) => new Web(this.machines[name], web));
  }

  /** Both machines are on and empty: no web server and no agent runs yet. */
  static async create({ web, configuration }: LabOptions = {}): Promise<Lab> {
    const anchor = await Anchor.start();
    try {
      const lab = new Lab(anchor, web ?? (isInstalled("nginx") ? "nginx" : "own"));
      await anchor.script(wiringScript());
      await lab.switch.start();
      await Promise.all(machineNames.map((name) => lab.machines[name].powerOn()));
      lab.configure(configuration);
      return lab;
    } catch (error) {
      await anchor[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Writes the same failover.yaml and the same key to both machines. Agents that run do not read it again. */
  configure(overrides: ConfigurationOverrides = {}): void {
    const key = newKey();
    for (const name of machineNames) {
      this.writeConfiguration(name, stringify(pairConfiguration(overrides)));
      writeFileSync(this.machines[name].path(underRun(agentFiles.key)), key, { mode: 0o600 });
    }
  }

  /** Another failover.yaml on one machine; an agent that runs reads it when it is told. */
  writeConfiguration(name: MachineName, text: string): void {
    writeFileSync(this.machines[name].path(underRun(agentFiles.configuration)), text);
  }

  async startWebs(): Promise<void> {
    await Promise.all(machineNames.map((name) => this.webs[name].start()));
  }

  async startAgents(): Promise<void> {
    await Promise.all(machineNames.map((name) => this.agents[name].start()));
  }

  /** The machines whose kernel has the service address on its service interface. */
  async holders(): Promise<MachineName[]> {
    const has = await Promise.all(
      machineNames.map((name) => this.machines[name].has(serviceAddress)),
    );
    return machineNames.filter((_, index) => has[index]);
  }

  /** Resolves when this machine's kernel has the address and the other's has not. */
  untilHeldBy(name: MachineName, options: WaitOptions = {}): Promise<number> {
    const alone = async (): Promise<boolean> => (await this.holders()).join() === name;
    return until(`${name} alone has ${serviceAddress}`, alone, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.anchor[Symbol.asyncDispose]();
  }
}

function both<T>(make: (name: MachineName) => T): Readonly<Record<MachineName, T>> {
  return { primary: make("primary"), backup: make("backup") };
}

function underRun(path: string): string {
  return path.replace(/^\/run\//, "");
}
