import type { Event } from "../../core/event.ts";
import { parseAddress } from "../../linux/ip-address.ts";
import { ServiceWatch } from "../../linux/service-watch.ts";
import { type TroubleListener, Troubles } from "../../linux/troubles.ts";
import type { Count } from "../../traffic/messages.ts";
import { type TrafficWatch, watchTraffic } from "../../traffic/watch.ts";
import type { Configuration } from "../configuration/configuration.ts";
import { sidesOf } from "../configuration/node-here.ts";
import { reasonOf } from "../failure.ts";
import type { RecentTraffic } from "../status.ts";
import { RecentWatch } from "./recent-traffic.ts";

export interface InForceOptions {
  /** To begin with. */
  readonly configuration: Configuration;
  readonly node: string;
  readonly onCount: (count: Count) => void;
  readonly report: (event: Event) => void;
  /** Of the access_logs. */
  readonly onTrouble: TroubleListener;
}

/**
 * The configuration in force, and what watches files and sockets as it says: replaced with it, because
 * where to begin is then the same as at a start.
 */
export class InForce implements AsyncDisposable {
  readonly #options: InForceOptions;
  readonly #troubles: Troubles;
  #configuration: Configuration;
  #traffic: TrafficWatch;
  #service: ServiceWatch;
  readonly #recent = new RecentWatch((span) => this.#traffic.recent(span));

  constructor(options: InForceOptions) {
    this.#options = options;
    this.#troubles = new Troubles(options.onTrouble);
    this.#configuration = options.configuration;
    this.#traffic = this.#newTraffic();
    this.#service = this.#newService();
  }

  get configuration(): Configuration {
    return this.#configuration;
  }

  get traffic(): TrafficWatch {
    return this.#traffic;
  }

  /** What this machine serves; each look has the next one be newer. */
  recent(): RecentTraffic | null {
    return this.#recent.look();
  }

  get accessLogs(): readonly string[] {
    return sidesOf(this.#configuration, this.#options.node).here.accessLogs;
  }

  /** Resolves when the access_logs are followed; rejects if they cannot be. */
  async start(): Promise<void> {
    this.#service.start();
    await this.#traffic.start();
  }

  /** Between two swaps; `keys` of the file are those that differ. Returns at once. */
  use(configuration: Configuration, keys: ReadonlySet<string>): void {
    this.#configuration = configuration;
    if (keys.has("logFormat") || keys.has(`nodes.${this.#options.node}.accessLog`)) {
      void this.#traffic[Symbol.asyncDispose]();
      this.#traffic = this.#newTraffic();
      this.#traffic
        .start()
        .catch((error: unknown) => this.#troubles.say("access_log reader", reasonOf(error)));
    }
    if (keys.has("address") || keys.has("canary.port")) {
      this.#service.stop();
      this.#service = this.#newService();
      this.#service.start();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#service.stop();
    await this.#traffic[Symbol.asyncDispose]();
  }

  #newTraffic(): TrafficWatch {
    const { logFormat: format } = this.#configuration;
    this.#troubles.mended("access_log reader");
    return watchTraffic({
      paths: this.accessLogs,
      format,
      onCount: this.#options.onCount,
      onTrouble: (place, sentence) =>
        sentence === undefined
          ? this.#troubles.mended(`access_log ${place}`)
          : this.#troubles.say(`access_log ${place}`, sentence),
    });
  }

  #newService(): ServiceWatch {
    const { canary, addresses } = this.#configuration;
    return new ServiceWatch({
      port: canary.port,
      addresses: addresses.map(({ address }) => parseAddress(address)),
      report: this.#options.report,
    });
  }
}
