import type { LabProcess } from "./lab-process.ts";
import { serviceAddress } from "./network.ts";
import { ownScript } from "./own-script.ts";
import type { Station } from "./station.ts";

export interface DownloadOptions {
  readonly address: string;
  readonly bytes: number;
}

/** How it ended: whole, or with the reason why not. */
export interface DownloadEnd {
  /** Milliseconds on CLOCK_MONOTONIC. */
  readonly at: number;
  readonly broken: string | null;
}

/** What the web servers of the lab send in eight seconds. */
export const downloadBytes = 8 * 65_536;

/** One answer that takes eight seconds: what every swap that only moves an address breaks. */
export class Download implements AsyncDisposable {
  readonly #process: LabProcess;
  readonly #end: Promise<DownloadEnd>;

  private constructor(process: LabProcess) {
    this.#process = process;
    this.#end = new Promise((resolve) => {
      process.onLine((line) => resolve(JSON.parse(line) as DownloadEnd));
      void process.gone.then(() => resolve({ at: 0, broken: process.complaint || "it was ended" }));
    });
  }

  static async start(station: Station): Promise<Download> {
    const options: DownloadOptions = { address: serviceAddress, bytes: downloadBytes };
    return new Download(await station.spawn(ownScript("downloader", JSON.stringify(options))));
  }

  /** Resolves when it has ended, one way or the other. */
  get end(): Promise<DownloadEnd> {
    return this.#end;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
