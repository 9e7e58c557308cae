import type { LabProcess } from "../../../src/practice/lab-process.ts";
import type { Station } from "../../../src/practice/station.ts";
import { until } from "../../../src/practice/wait.ts";
import { loadScript } from "./crowd.ts";
import type { TalkersOptions, Told } from "./talkers.ts";

/** Clients whose connections last, at a station. */
export class Talkers implements AsyncDisposable {
  readonly #process: LabProcess;
  #told: Told = { at: 0, open: 0, of: {}, answers: 0, downloads: 0, broken: [] };

  private constructor(process: LabProcess) {
    this.#process = process;
    process.onLine((line) => {
      this.#told = JSON.parse(line) as Told;
    });
  }

  /** Resolves when all of them are served. */
  static async start(station: Station, options: TalkersOptions): Promise<Talkers> {
    const talkers = new Talkers(await station.spawn(loadScript("talkers", options)));
    const count = options.talks.reduce((sum, talk) => sum + talk.count, 0);
    const served = (): boolean => {
      const opened = Object.values(talkers.#told.of).reduce((sum, one) => sum + one, 0);
      if (!talkers.#process.running) throw new Error(talkers.#process.complaint);
      return opened + talkers.#told.broken.length >= count;
    };
    await until("the talkers talk", served, { within: 120_000 });
    return talkers;
  }

  get told(): Told {
    return this.#told;
  }

  /** Resolves when every open connection had time for another answer. */
  async heardAgain(within = 30_000): Promise<void> {
    const { answers, open } = this.#told;
    await until("they are answered", () => this.#told.answers >= answers + open, { within });
  }

  async close(): Promise<void> {
    this.#process.stdin?.end();
    await this.#process.gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
