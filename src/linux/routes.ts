import { isIP } from "node:net";

import { after, type Instant, millis } from "../core/time.ts";
import { parseAddress } from "./ip-address.ts";
import type { IpBatch } from "./ip-batch.ts";
import { IpMonitor } from "./ip-monitor.ts";
import type { Troubles } from "./troubles.ts";

export interface RoutesOptions {
  /** In ip-route's notation. */
  readonly routes: readonly string[];
  /** The address's own, so that what is asked for first happens first. */
  readonly batch: IpBatch;
  readonly now: () => Instant;
  readonly troubles: Troubles;
}

const retryEvery = millis(1000);

/**
 * The routes that come after the address and go before it. They are added and never put in the place of
 * others: a machine that has a route of its own to the same destination keeps it, and says so. Nothing reads
 * the routing table, which may be long: the monitor tells of one of ours that goes.
 */
export class Routes {
  readonly #options: RoutesOptions;
  readonly #monitor: IpMonitor<string>;
  #wanted = false;
  /** Ours. Of those that are unsure, that one exists already is no trouble. */
  readonly #ours = new Map<string, "there" | "unsure">();
  readonly #underWay = new Set<string>();
  #notBefore: Instant;

  constructor(options: RoutesOptions) {
    this.#options = options;
    this.#notBefore = options.now();
    this.#monitor = new IpMonitor({
      objects: ["route"],
      parse: removedDestination,
      onFacts: (gone) => this.#removed(new Set(gone)),
      onStarted: () => {},
      troubles: options.troubles,
    });
  }

  start(): void {
    if (this.#options.routes.length > 0) this.#monitor.start();
  }

  /** Wished no more, they go before whatever is asked of `ip` next. */
  reconcile(wanted: boolean): void {
    this.#wanted = wanted;
    if (wanted) return;
    // One may lead to the gateway of the next.
    for (const route of [...this.#ours.keys()].toReversed()) this.#remove(route);
    this.#ours.clear();
  }

  /** `ready`: the address is there, on an interface that is up. Asked at least once a second. */
  look(ready: boolean): void {
    if (!ready) {
      // The kernel takes them away with the interface, or with the address that they name as their source.
      this.#doubt([...this.#ours.keys()]);
      return;
    }
    if (!this.#wanted || this.#options.now() < this.#notBefore) return;
    const missing = this.#options.routes.filter(
      (route) => this.#ours.get(route) !== "there" && !this.#underWay.has(route),
    );
    for (const route of missing) this.#add(route);
  }

  /** What was held when this agent started was put there by the last one. */
  inherit(): void {
    this.#doubt(this.#options.routes);
  }

  stop(): void {
    this.#monitor.stop();
  }

  #add(route: string): void {
    const { batch, troubles, now } = this.#options;
    const topic = `route ${route}`;
    this.#underWay.add(route);
    batch.run([`route add ${route}`], (result) => {
      this.#underWay.delete(route);
      const reason = result.kind === "failed" ? result.reasons.join("; ") : "";
      const ours = this.#ours.has(route) && /File exists/.test(reason);
      if (result.kind === "done" || ours) {
        troubles.mended(topic);
        this.#ours.set(route, "there");
        if (!this.#wanted) this.reconcile(false);
        return;
      }
      this.#notBefore = after(now(), retryEvery);
      if (result.kind === "failed") troubles.say(topic, reason);
    });
  }

  #remove(route: string): void {
    const { batch, troubles } = this.#options;
    const topic = `route ${route}`;
    batch.run([`route del ${route}`], (result) => {
      const reason = result.kind === "failed" ? result.reasons.join("; ") : "";
      // ESRCH: it went with the interface or the address.
      if (reason === "" || /No such process/.test(reason)) troubles.mended(topic);
      else troubles.say(topic, reason);
    });
  }

  #removed(destinations: ReadonlySet<string>): void {
    const gone = [...this.#ours.keys()].filter((route) => destinations.has(destinationOf(route)));
    this.#doubt(gone);
    if (gone.length > 0) this.#options.troubles.happened("routes", removal(gone));
  }

  #doubt(routes: readonly string[]): void {
    for (const route of routes) this.#ours.set(route, "unsure");
  }
}

const removal = (routes: readonly string[]): string =>
  `Another program, or the kernel with an interface, removed the route ${routes.join(", and ")}: adding it again`;

/** `Deleted 198.51.100.0/24 via 203.0.113.1 dev eth1`, with a type other than unicast before the destination. */
const removedLine = /^Deleted (default|[\da-f][\da-f.:]*(?:\/\d+)?) /;

export const removedDestination = (line: string): string | undefined => {
  const destination = removedLine.exec(line)?.[1];
  const known = destination === "default" || isIP(destination?.split("/")[0] ?? "") !== 0;
  return known && destination !== undefined ? destinationOf(destination) : undefined;
};

/** As `ip` prints it: in its shortest form, a single address without its prefix length. */
export const destinationOf = (route: string): string => {
  const [destination = ""] = route.split(" ");
  if (destination === "default") return destination;
  const [text = "", length] = destination.split("/");
  const { text: short, family } = parseAddress(text);
  const whole = length === undefined || length === (family === 4 ? "32" : "128");
  if (length === "0") return "default";
  return whole ? short : `${short}/${length}`;
};
