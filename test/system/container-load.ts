import type { ProberOptions } from "../../src/practice/client-load.ts";
import { LabProcess } from "../../src/practice/lab-process.ts";
import { ownScript } from "../../src/practice/own-script.ts";
import type { Sample } from "../../src/practice/samples.ts";
import { now, pause, until } from "../../src/practice/wait.ts";
import type { Machine } from "./containers.ts";
import { loadScript } from "./load/crowd.ts";
import type { Deed, VisitorsOptions } from "./load/deed.ts";

/** Milliseconds after which a request has failed. */
const patience = 3000;
const newPerSecond = 200;
const kept = 10;

/**
 * Clients in the network of a machine: 200 requests a second, each over a connection of its own, and ten
 * clients that ask every 50 ms on the connection that they have.
 */
export class ContainerLoad implements AsyncDisposable {
  readonly #newcomers: LabProcess;
  readonly #visitors: LabProcess;
  readonly #samples: Sample[] = [];
  readonly #deeds: Deed[] = [];

  private constructor(newcomers: LabProcess, visitors: LabProcess) {
    this.#newcomers = newcomers;
    this.#visitors = visitors;
    newcomers.onLine((line) => this.#samples.push(JSON.parse(line) as Sample));
    visitors.onLine((line) => this.#deeds.push(JSON.parse(line) as Deed));
  }

  /** Resolves when both kinds of clients have had an answer. */
  static async start(client: Machine, address: string): Promise<ContainerLoad> {
    const asking: ProberOptions = {
      address,
      mode: "http",
      perSecond: newPerSecond,
      timeout: patience,
    };
    const visiting: VisitorsOptions = {
      address,
      keepAlive: kept,
      every: 50,
      downloads: 0,
      path: "/",
      patience,
    };
    // LabProcess looks for the child of what it starts, and nsenter has none where it enters a network only.
    const enter = client.inNetwork(["sh", "-c", '"$@"; exit', "sh"]);
    const [newcomers, visitors] = await Promise.all([
      LabProcess.start(enter, ownScript("prober", JSON.stringify(asking))),
      LabProcess.start(enter, loadScript("visitors", visiting)),
    ]);
    const load = new ContainerLoad(newcomers, visitors);
    const answered = (): boolean => load.#samples.length > 0 && load.#deeds.length >= kept;
    await until("the clients are answered", answered, { within: 20_000 });
    return load;
  }

  /** Nobody begins anything new; waits for what goes on, and says what became of everything. */
  async finish(): Promise<LoadFigures> {
    await pause(300);
    const end = now();
    for (const { stdin } of [this.#newcomers, this.#visitors]) stdin?.end();
    await Promise.all([this.#newcomers.gone, this.#visitors.gone]);
    const pages = this.#deeds.filter((deed) => deed.kind === "page");
    const failed = [
      ...this.#samples.flatMap((one) => (one.kind === "failure" ? `new: ${one.why}` : [])),
      ...pages.flatMap(({ why }) => (why === "" ? [] : `kept: ${why}`)),
      // A visitor that was told to end does not tell what became of its last request.
      ...(now() - end > patience - 500 ? ["kept: hung at the end"] : []),
    ];
    return {
      requests: this.#samples.length + pages.length,
      failed,
      worst: Math.round(Math.max(...[...this.#samples, ...pages].map(({ took }) => took))),
      samples: this.#samples,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#newcomers[Symbol.asyncDispose]();
    await this.#visitors[Symbol.asyncDispose]();
  }
}

export interface LoadFigures {
  readonly requests: number;
  /** How each of them failed. */
  readonly failed: readonly string[];
  /** The longest that one took, in milliseconds. */
  readonly worst: number;
  /** Of the new connections; `who` is the machine that answered. */
  readonly samples: readonly Sample[];
}
