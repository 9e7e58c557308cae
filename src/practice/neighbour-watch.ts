import type { LabProcess } from "./lab-process.ts";
import { machineNames, places } from "./network.ts";
import { ownScript } from "./own-script.ts";
import type { Span } from "./samples.ts";
import type { Station } from "./station.ts";
import { until } from "./wait.ts";

export interface NeighbourSamplerOptions {
  readonly interfaceIndex: number;
  readonly mac: string;
  readonly self: string;
  readonly self6: string;
  readonly addresses: readonly string[];
  /** Milliseconds between two questions. */
  readonly every: number;
}

/** Who answered one question for an address. */
export interface NeighbourSample {
  /** Milliseconds on CLOCK_MONOTONIC. */
  readonly at: number;
  readonly address: string;
  readonly macs: readonly string[];
}

/** The observer's view of law 1: at no sampled instant do two machines answer for an address. */
export class NeighbourWatch implements AsyncDisposable {
  readonly #process: LabProcess;
  readonly #samples: NeighbourSample[];

  private constructor(process: LabProcess, samples: NeighbourSample[]) {
    this.#process = process;
    this.#samples = samples;
  }

  /** Resolves when the first question was asked. */
  static async start(observer: Station, addresses: readonly string[]): Promise<NeighbourWatch> {
    const shown = await observer.mustExec(["ip", "-o", "link", "show", "dev", "eth0"]);
    const { mac, address: self, address6: self6 } = places.observer;
    const options: NeighbourSamplerOptions = {
      interfaceIndex: Number.parseInt(shown, 10),
      mac,
      self,
      self6,
      addresses,
      every: 5,
    };
    const process = await observer.spawn(ownScript("neighbour-sampler", JSON.stringify(options)));
    const samples: NeighbourSample[] = [];
    process.onLine((line) => samples.push(JSON.parse(line) as NeighbourSample));
    await until("the observer watches", () => samples.length > 0 || !process.running);
    if (!process.running) throw new Error(`Cannot watch the address: ${process.complaint}`);
    return new NeighbourWatch(process, samples);
  }

  /** What the last 50 ms brought may not be among them yet. */
  get samples(): readonly NeighbourSample[] {
    return this.#samples;
  }

  async finish(): Promise<readonly NeighbourSample[]> {
    this.#process.stdin?.end();
    await this.#process.gone;
    return this.#samples;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}

/** The instants at which both machines answered. A gateway that answers for others is neither. */
export function doubleAnswers(samples: readonly NeighbourSample[], span?: Span): NeighbourSample[] {
  const ours: readonly string[] = machineNames.map((name) => places[name].mac);
  return samples
    .filter(({ at }) => span === undefined || (at >= span.from && at <= span.to))
    .filter(({ macs }) => macs.filter((mac) => ours.includes(mac)).length > 1);
}
