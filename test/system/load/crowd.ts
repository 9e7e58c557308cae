import { ClientLoad } from "../../../src/practice/client-load.ts";
import type { LabProcess } from "../../../src/practice/lab-process.ts";
import { ownScript } from "../../../src/practice/own-script.ts";
import { begunIn, type Sample, type Span } from "../../../src/practice/samples.ts";
import type { Station } from "../../../src/practice/station.ts";
import { now, pause, until } from "../../../src/practice/wait.ts";
import type { Datagram, Deed, VisitorsOptions } from "./deed.ts";

/** The command that runs a script of this folder. */
export const loadScript = (name: string, options: object): string[] =>
  ownScript(`../../test/system/load/${name}`, JSON.stringify(options));

export type CrowdOptions = { readonly address: string } & Partial<VisitorsOptions> & {
    readonly newPerSecond?: number;
    readonly datagrams?: boolean;
  };

const requestMillisMax = 3000;

/**
 * Every kind of client at once: new connections, connections that are kept, downloads of six seconds, and a
 * datagram each millisecond.
 */
export class Crowd implements AsyncDisposable {
  readonly #asking: ClientLoad;
  readonly #flowing: LabProcess | undefined;
  readonly #visitors: LabProcess;
  readonly deeds: Deed[] = [];
  readonly datagrams: Datagram[] = [];

  private constructor(asking: ClientLoad, flowing: LabProcess | undefined, visitors: LabProcess) {
    this.#asking = asking;
    this.#flowing = flowing;
    this.#visitors = visitors;
    flowing?.onLine((line) => this.datagrams.push(...(JSON.parse(line) as Datagram[])));
    visitors.onLine((line) => this.deeds.push(JSON.parse(line) as Deed));
  }

  static async start(station: Station, options: CrowdOptions): Promise<Crowd> {
    const { address, newPerSecond = 200, datagrams = true, ...others } = options;
    const asked: VisitorsOptions = {
      keepAlive: 5,
      every: 50,
      downloads: 5,
      path: "/short",
      patience: 5000,
      ...others,
      address,
    };
    const timeout = requestMillisMax;
    const [asking, flowing, visitors] = await Promise.all([
      ClientLoad.start(station, { address, mode: "http", perSecond: newPerSecond, timeout }),
      datagrams ? station.spawn(loadScript("datagrams", { address })) : undefined,
      station.spawn(loadScript("visitors", asked)),
    ]);
    const crowd = new Crowd(asking, flowing, visitors);
    const at = ({ kind }: Deed): boolean => kind === (asked.keepAlive > 0 ? "page" : "download");
    await until("the visitors visit", () => crowd.deeds.some(at) || !visitors.running);
    if (!visitors.running) throw new Error(`Cannot start the visitors: ${visitors.complaint}`);
    return crowd;
  }

  get samples(): readonly Sample[] {
    return this.#asking.samples;
  }

  /** What became of everything that was begun in the span. Waits until all of it has ended. */
  async figures(span: Span): Promise<Figures> {
    await pause(Math.max(0, span.to + requestMillisMax + 100 - now()));
    const begun = begunIn(this.samples, span);
    const deeds = this.deeds.filter(({ at }) => at >= span.from && at <= span.to + 200);
    const pages = deeds.filter((deed) => deed.kind === "page");
    const downloads = deeds.filter((deed) => deed.kind === "download");
    const closings = deeds.filter((deed) => deed.kind === "closing");
    const datagrams = this.datagrams.filter(([at]) => at >= span.from && at <= span.to);
    const all = [...begun.map(({ took }) => took), ...pages.map(({ took }) => took)];
    const instant = (at: number): string => `${((at - span.from) / 1000).toFixed(2)} s`;
    return {
      requests: begun.length,
      failed: [
        ...begun
          .filter((sample) => sample.kind === "failure")
          .map(({ at, took, why }) => `a new one at ${instant(at - took)}: ${why}`),
        ...pages
          .filter(({ why }) => why !== "")
          .map(({ at, took, why }) => `a kept one at ${instant(at - took)}: ${why}`),
      ],
      slow: [
        ...begun
          .filter(({ took }) => took > 200)
          .map(({ at, took }) => `a new one at ${instant(at - took)}: ${took.toFixed(0)} ms`),
        ...pages
          .filter(({ took }) => took > 200)
          .map(({ at, took }) => `a kept one at ${instant(at - took)}: ${took.toFixed(0)} ms`),
      ],
      worst: Math.max(0, ...all),
      pages: pages.length,
      downloads: downloads.length,
      broken: downloads
        .filter(({ why }) => why !== "")
        .map(({ at, took, who, why }) => {
          const span = `${instant(at - took)} to ${instant(at)}`;
          return `${span}, from ${who || "nobody"}: ${why}`;
        }),
      closings: closings.map(({ at, how }) => ({ at: at - span.from, how })),
      datagrams: datagrams.length,
      datagramsLost: datagrams
        .filter(([, took]) => took === null)
        .map(([at]) => `a datagram at ${instant(at)}`),
      datagramGap: longestGap(datagrams),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([
      this.#asking[Symbol.asyncDispose](),
      this.#flowing?.[Symbol.asyncDispose](),
      this.#visitors[Symbol.asyncDispose](),
    ]);
  }
}

export interface Figures {
  /** New connections, one request each. */
  readonly requests: number;
  readonly failed: readonly string[];
  /** Longer than 200 ms. */
  readonly slow: readonly string[];
  readonly worst: number;
  /** Requests on connections that are kept. */
  readonly pages: number;
  readonly downloads: number;
  readonly broken: readonly string[];
  /** Connections that were kept, and ended from outside: milliseconds since the start of the span. */
  readonly closings: readonly { readonly at: number; readonly how: string }[];
  readonly datagrams: number;
  readonly datagramsLost: readonly string[];
  /** The longest time in which every one that was sent was lost, in milliseconds. */
  readonly datagramGap: number;
}

/** A sender that had to wait for its turn on a busy machine is no gap: only what was sent can be lost. */
function longestGap(datagrams: readonly Datagram[]): number {
  let longest = 0;
  let since: number | undefined;
  for (const [at, took] of datagrams) {
    if (took === null) since ??= at;
    else if (since !== undefined) {
      longest = Math.max(longest, at - since);
      since = undefined;
    }
  }
  const [end = 0] = datagrams.at(-1) ?? [];
  return since === undefined ? longest : Math.max(longest, end - since);
}

const some = (these: readonly string[]): string =>
  these.length === 0 ? "" : ` (${these.slice(0, 5).join(", ")})`;

export const inOneLine = (figures: Figures): string => {
  const { requests, failed, slow, worst, pages, downloads, broken, closings } = figures;
  return [
    `${failed.length} of ${requests + pages} requests failed`,
    `${slow.length} slow, worst ${worst.toFixed(0)} ms${some(slow)}`,
    `${broken.length} of ${downloads} downloads broken`,
    `${closings.length} kept connections ended (${[...new Set(closings.map(({ how }) => how))].join(", ")})`,
    `${figures.datagramsLost.length} of ${figures.datagrams} datagrams lost, gap ${figures.datagramGap.toFixed(1)} ms${some(figures.datagramsLost)}`,
  ].join("; ");
};

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, next) => one - next);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}
