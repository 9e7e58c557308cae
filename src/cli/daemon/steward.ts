import type { Steward, StewardEffect } from "../../agent/ports.ts";
import type { HandoverId } from "../../core/beat.ts";
import type { JournalEntry, TellLevel } from "../../core/effect.ts";
import type { Baseline, Event, Rehearsal } from "../../core/event.ts";
import { millis } from "../../core/time.ts";
import { readArrivals } from "../../linux/diversion/arrivals.ts";
import { tableName } from "../../linux/mute.ts";
import { type TroubleListener, Troubles } from "../../linux/troubles.ts";
import type { Count } from "../../traffic/messages.ts";
import type { TrafficWatch } from "../../traffic/watch.ts";
import type { Configuration } from "../configuration/configuration.ts";
import { reasonOf } from "../failure.ts";
import { askForPage } from "./canary-request.ts";
import { runHook } from "./hook.ts";
import { Strangers } from "./strangers.ts";

export interface StewardOptions {
  /** Looked at each time: what it says may change between two swaps. */
  readonly inForce: StewardSettings;
  readonly pair: string;
  /** The peer's addresses. */
  readonly peers: readonly string[];
  readonly report: (event: Event) => void;
  readonly tell: (level: TellLevel, sentence: string) => void;
  readonly onTrouble: TroubleListener;
  readonly journal: (entry: JournalEntry) => void;
}

export interface StewardSettings {
  readonly configuration: Configuration;
  /** What `traffic` reads. */
  readonly accessLogs: readonly string[];
  readonly traffic: TrafficWatch;
}

/** What the holder served in this span is the baseline. */
const baselineSpan = 10_000;
/**
 * Fetching a page, and waiting for its line. A log that is buffered for longer proves nothing in
 * time.
 */
const pageMillis = 5000;
const lineMillis = 8000;

/**
 * Log, journal, access_log and our own requests: everything an effect asks for beside the kernel.
 */
export class LinuxSteward implements Steward {
  readonly #options: StewardOptions;
  readonly #troubles: Troubles;
  readonly #strangers: Strangers;

  constructor(options: StewardOptions) {
    const { pair, peers, inForce, onTrouble } = options;
    this.#options = options;
    this.#troubles = new Troubles(onTrouble);
    this.#strangers = new Strangers({
      read: () => readArrivals(tableName(pair)),
      peers,
      exclude: (count, addresses) => inForce.traffic.exclude(count, addresses),
      troubles: this.#troubles,
    });
  }

  stop(): void {
    this.#strangers.stop();
  }

  perform(effect: StewardEffect): void {
    switch (effect.kind) {
      case "tell":
        this.#options.tell(effect.level, effect.sentence);
        break;
      case "journal":
        this.#options.journal(effect.entry);
        if (effect.entry.swap === undefined) this.#strangers.stop();
        break;
      case "measure-baseline":
        void this.#baseline(effect.id).then((result) =>
          this.#options.report({ kind: "baseline-measured", id: effect.id, result }),
        );
        break;
      case "rehearse":
        void this.#rehearsal(effect.id).then((result) =>
          this.#options.report({ kind: "rehearsed", id: effect.id, result }),
        );
        break;
      case "count-traffic":
        void this.#count(countName(effect), effect.of);
        break;
      case "drain-hook":
        void this.#drainHook();
        break;
      case "send-tagged":
        void this.#sendTagged(effect.id);
        break;
    }
  }

  /** To be called with what the traffic watch counted. */
  counted({ id: name, requests, errors, tags }: Count): void {
    const [id = "", step = ""] = name.split("/");
    const tagged = tags.includes(tagOf(id, "over"));
    const event = { id, step: Number(step), requests, errors, tagged };
    this.#options.report({ kind: "traffic-counted", ...event });
  }

  async #baseline(id: HandoverId): Promise<Baseline> {
    try {
      const { requests, errors, span } = await this.#options.inForce.traffic.recent(baselineSpan);
      const served = { kind: "served", requests, errors, span: millis(Math.round(span)) } as const;
      if (requests > 0) return served;
      // A quiet site: our own request shows at least that what is served here is seen in the log.
      const missing = await this.#seenInLog(id, "base");
      return missing === undefined ? served : { kind: "unproved", reason: missing };
    } catch (error) {
      return { kind: "unproved", reason: `Cannot measure what is served: ${reasonOf(error)}` };
    }
  }

  async #rehearsal(id: HandoverId): Promise<Rehearsal> {
    const reason = await this.#seenInLog(id, "ready");
    return reason === undefined ? { kind: "ready" } : { kind: "unready", reason };
  }

  /**
   * Asks the service of this machine for a page at each address. Undefined: served, and in the log.
   */
  async #seenInLog(id: HandoverId, purpose: string): Promise<string | undefined> {
    const { configuration, accessLogs, traffic } = this.#options.inForce;
    const { canary, domain } = configuration;
    for (const [index, { address }] of configuration.addresses.slice(0, pagesMax).entries()) {
      const tag = tagOf(id, `${purpose}${index}`);
      const line = traffic.awaitTag(tag, { signal: AbortSignal.timeout(lineMillis) });
      const signal = AbortSignal.timeout(pageMillis);
      const failure = await askForPage({ address, domain, canary, tag, signal });
      if (failure !== undefined) return failure;
      if ((await line) === undefined) {
        const seconds = lineMillis / 1000;
        return `the page came, but its line did not appear in ${accessLogs.join(" or ")} within ${seconds} s`;
      }
    }
    return undefined;
  }

  async #drainHook(): Promise<void> {
    const { tell } = this.#options;
    const { drain } = this.#options.inForce.configuration.hooks;
    if (drain === undefined) return;
    tell("info", `Running the drain hook: ${drain}`);
    const result = await runHook(drain, hookMillis);
    if (result.kind === "failed") tell("warning", `The drain hook failed: ${result.reason}`);
  }

  async #count(name: string, of: "all" | "handed-over"): Promise<void> {
    try {
      await this.#options.inForce.traffic.count(name);
      if (of === "handed-over") this.#strangers.leaveOutOf(name);
      else this.#strangers.stop();
    } catch (error) {
      this.#troubles.happened("count", `Cannot count what is served: ${reasonOf(error)}`);
    }
  }

  async #sendTagged(id: HandoverId): Promise<void> {
    const { tell } = this.#options;
    const { configuration } = this.#options.inForce;
    const [first] = configuration.addresses;
    if (first === undefined) return;
    const { domain, canary } = configuration;
    const tag = tagOf(id, "over");
    const signal = AbortSignal.timeout(pageMillis);
    const failure = await askForPage({ address: first.address, domain, canary, tag, signal });
    if (failure !== undefined) tell("warning", `Our own request over the network: ${failure}`);
  }
}

/** A pair may move a thousand addresses; a few of them show what can be shown. */
const pagesMax = 4;

/** Steps are counted one by one, and a late count of the last one must not be taken for the next. */
const countName = ({ id, step }: { readonly id: HandoverId; readonly step: number }): string =>
  `${id}/${step}`;

const hookMillis = 30_000;

const tagOf = (id: HandoverId, purpose: string): string => `${id}-${purpose}`;
