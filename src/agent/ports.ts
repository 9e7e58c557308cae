import type { MacAddress } from "../core/beat.ts";
import type { Effect, Wish } from "../core/effect.ts";
import type { Event } from "../core/event.ts";

/** What reaches the network. */
export interface Transport {
  /**
   * Sends on one path; never waits, never throws: what cannot be sent is lost, as on any network.
   */
  send(path: number, datagram: Uint8Array): void;
}

/**
 * The machine under the agent: its kernel as far as the address is concerned. The Linux host and the
 * simulated host pass the same contract tests. No method waits or throws; what came of it is reported
 * as an event, also from within the call.
 */
export interface Host {
  reconcile(wish: Wish): void;
  renew(): void;
  announce(): void;
  probe(holder: MacAddress | undefined): void;
  probeWitness(): void;
}

/** Everything else that an effect can ask for: log, journal, traffic, canaries. */
export interface Steward {
  perform(effect: StewardEffect): void;
}

export type HostEffect = Extract<
  Effect,
  { kind: "announce" | "probe" | "probe-witness" | "renew" }
>;
export type StewardEffect = Exclude<Effect, HostEffect | { kind: "ask" }>;

/** Where a host, a transport or a steward reports what happened. */
export type Report = (event: Event) => void;
