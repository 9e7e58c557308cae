import type { HandoverId, MacAddress } from "../core/beat.ts";
import type { Flow } from "../core/diversion.ts";
import type { Effect, Wish } from "../core/effect.ts";
import type { Event } from "../core/event.ts";
import type { Millis } from "../core/time.ts";

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
  /** For what is added or renewed from now on; whole seconds. What is there keeps its own until then. */
  useLease(lease: Millis): void;
  announce(): void;
  probe(holder: MacAddress | undefined): void;
  probeWitness(): void;
  /** Asks the peer's kernel for the peer's own addresses. Answered by `peer-kernel-answered`. */
  probePeer(): void;
  /** Which connections end here, so that its kernel keeps them. Answered by `kept-listed`. */
  listKept(id: HandoverId): void;
  /** The peer's list: its kernel hands them back. Answered by `kept-placed`. */
  placeKept(id: HandoverId, flows: readonly Flow[]): void;
  /** Ends what is left of the kept connections; their clients hear it. */
  cutKept(): void;
}

/** Everything else that an effect can ask for: log, journal, traffic, canaries. */
export interface Steward {
  perform(effect: StewardEffect): void;
}

export type HostEffect = Extract<
  Effect,
  {
    kind:
      | "announce"
      | "probe"
      | "probe-witness"
      | "renew"
      | "probe-peer"
      | "list-kept"
      | "cut-kept";
  }
>;
export type StewardEffect = Exclude<Effect, HostEffect | { kind: "ask" }>;

/** Where a host, a transport or a steward reports what happened. */
export type Report = (event: Event) => void;
