import { ClientLoad } from "../../src/practice/client-load.ts";
import type { ConfigurationOverrides } from "../../src/practice/configuration.ts";
import { Lab } from "../../src/practice/lab.ts";
import { doubleAnswers, NeighbourWatch } from "../../src/practice/neighbour-watch.ts";
import {
  type MachineName,
  machineNames,
  other,
  serviceAddress,
  serviceAddress6,
} from "../../src/practice/network.ts";
import {
  type Answer,
  begunIn,
  type Failure,
  type Sample,
  type Span,
} from "../../src/practice/samples.ts";
import { now, pause, until } from "../../src/practice/wait.ts";

/** How often a measured test repeats what it does; 20 for the full measurements. */
export const repetitions = Number(process.env["REPEAT"] ?? 2);

export interface PairOptions {
  readonly configuration?: ConfigurationOverrides;
  /** What the client asks. Default: the IPv4 address. */
  readonly address?: string;
}

/** A lab with both agents and web servers running, a client that never stops asking, and the observer. */
export class Pair implements AsyncDisposable {
  readonly lab: Lab;
  readonly client: ClientLoad;
  readonly watch: NeighbourWatch;

  private constructor(lab: Lab, client: ClientLoad, watch: NeighbourWatch) {
    this.lab = lab;
    this.client = client;
    this.watch = watch;
  }

  static async start({ configuration, address = serviceAddress }: PairOptions = {}): Promise<Pair> {
    const lab = await Lab.create(configuration === undefined ? {} : { configuration });
    try {
      await lab.startWebs();
      await lab.startAgents();
      await lab.untilHeldBy("primary", { within: 30_000 });
      await lab.agents.backup.untilRole("standby");
      const watch = await NeighbourWatch.start(lab.observer, [serviceAddress, serviceAddress6]);
      const load = { address, mode: "http", perSecond: 200, timeout: 3000 } as const;
      return new Pair(lab, await ClientLoad.start(lab.client, load), watch);
    } catch (error) {
      console.error(logsOf(lab));
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The one machine whose kernel has the address. Rejects when it is none, or both. */
  async holder(): Promise<MachineName> {
    const [holder, second] = await this.lab.holders();
    if (holder === undefined || second !== undefined) {
      throw new Error(`Cannot name the holder: ${second === undefined ? "none" : "both"}`);
    }
    return holder;
  }

  /** Brings everything back to a well pair: no fault, both machines on, agents and web servers running. Answers with who holds and who stands by. */
  async calm(): Promise<{ holder: MachineName; standby: MachineName }> {
    const { lab } = this;
    await lab.faults.clear();
    await lab.switch.plugIn("cable");
    for (const name of machineNames) {
      await lab.machines[name].plugIn();
      if (!lab.machines[name].isOn) await lab.machines[name].powerBack();
      if (!lab.webs[name].isRunning) await lab.webs[name].start();
      else await lab.webs[name].change({});
      if (!lab.agents[name].isRunning) await lab.agents[name].start();
    }
    await until("the pair is well", () => this.#isWell(), { within: 30_000, every: 200 });
    const holder = await this.holder();
    return { holder, standby: other(holder) };
  }

  /** Resolves when the client hears this machine, and only then. */
  async answeredBy(name: MachineName, within = 5000): Promise<void> {
    const since = now();
    const heard = (): boolean => this.answersSince(since).at(-1)?.who === name;
    await until(`the client is answered by ${name}`, heard, { within });
  }

  /** What the client was answered since then, so far. */
  answersSince(since: number): Answer[] {
    const recent: Sample[] = [];
    for (let index = this.client.samples.length - 1; index >= 0; index -= 1) {
      const sample = this.client.samples[index];
      // They come in the order in which they ended, in batches of 50 ms.
      if (sample === undefined || sample.at < since - 100) break;
      if (sample.at >= since) recent.unshift(sample);
    }
    return recent.filter((sample) => sample.kind === "answer");
  }

  /** The requests begun in the span that failed. Waits until all of them have ended. */
  async failures(span: Span): Promise<Failure[]> {
    await pause(Math.max(0, span.to + 3100 - now()));
    const begun = begunIn(this.client.samples, span);
    if (begun.length === 0) throw new Error("Nobody asked for a page: the client has died");
    return begun.filter((sample) => sample.kind === "failure");
  }

  /** The instants since then at which both machines answered for the address: law 1 wants none. */
  async doubles(since: number): Promise<readonly string[]> {
    await pause(100);
    const last = this.watch.samples.at(-1)?.at ?? 0;
    if (last < now() - 2000) throw new Error("Nobody asks for the address: the observer has died");
    return doubleAnswers(this.watch.samples, { from: since, to: now() }).map(
      ({ at, address }) => `${address} ${(at - since).toFixed(0)} ms after the start`,
    );
  }

  /** For the message of a test that fails. */
  logs(): string {
    return logsOf(this.lab);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
  }

  async #isWell(): Promise<boolean> {
    const statuses = await Promise.all(machineNames.map((name) => this.lab.agents[name].status()));
    const roles = new Set(statuses.map((status) => status?.role));
    const { length } = await this.lab.holders();
    return roles.has("holding") && roles.has("standby") && length === 1;
  }
}

function logsOf(lab: Lab): string {
  return machineNames
    .map((name) => `--- agent of ${name}\n${lab.agents[name].log().slice(-4000)}`)
    .join("\n");
}
