import type { LabProcess } from "./lab-process.ts";
import { ownScript } from "./own-script.ts";
import type { Sample } from "./samples.ts";
import type { Station } from "./station.ts";
import { until } from "./wait.ts";

export interface ProberOptions {
  readonly address: string;
  /** `http`: a page over a new connection. `udp`: a datagram to the machine's echo server. */
  readonly mode: "http" | "udp";
  readonly perSecond: number;
  /** Milliseconds after which a page counts as failed. */
  readonly timeout: number;
}

/** A prober at a station, and what it has seen so far. */
export class ClientLoad implements AsyncDisposable {
  readonly #process: LabProcess;
  readonly #samples: Sample[];

  private constructor(process: LabProcess, samples: Sample[]) {
    this.#process = process;
    this.#samples = samples;
  }

  /** Resolves when the first answer came, or failure. */
  static async start(station: Station, options: ProberOptions): Promise<ClientLoad> {
    const process = await station.spawn(ownScript("prober", JSON.stringify(options)));
    const samples: Sample[] = [];
    process.onLine((line) => samples.push(JSON.parse(line) as Sample));
    const load = new ClientLoad(process, samples);
    await until("the client asks", () => samples.length > 0 || !process.running);
    if (!process.running) throw new Error(`Cannot start the client: ${process.complaint}`);
    return load;
  }

  /** In the order in which they ended; what the last 50 ms brought may not be among them yet. */
  get samples(): readonly Sample[] {
    return this.#samples;
  }

  /** Asks no more, waits for what is outstanding, and answers with everything. */
  async finish(): Promise<readonly Sample[]> {
    this.#process.stdin?.end();
    await this.#process.gone;
    return this.#samples;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
