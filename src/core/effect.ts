import type { HandoverId, MacAddress } from "./beat.ts";
import { type DiversionWish, sameDiversion } from "./diversion.ts";

/**
 * The kernel state this machine should have now. A wish, never a command: it is reconciled one step at
 * a time and what came of it is observed, so a remove can never overtake an add for good.
 */
export interface Wish extends AddressWish {
  /** Closed: new TCP connections to the address are dropped unanswered; those that are open go on. */
  readonly door: "open" | "closed";
  /** The service interface itself, where it is taken over with the address: down while it is free. */
  readonly link: "needed" | "free";
  readonly diversion: DiversionWish;
}

export const sameWish = (one: Wish, other: Wish): boolean =>
  one.address === other.address &&
  one.silent === other.silent &&
  one.door === other.door &&
  one.link === other.link &&
  sameDiversion(one.diversion, other.diversion);

/** Where the address is. */
export interface AddressWish {
  /** The leased address on the service interface. */
  readonly address: "present" | "absent";
  /**
   * The address on `lo`, with the ARP mute that keeps it from being answered for while it is not on the
   * interface as well. Goes up first, comes down last.
   */
  readonly silent: "present" | "absent";
}

/** The few things that are acts, not conditions. */
export type Effect =
  /** Send a beat on every path that demands an instant reply. */
  | { readonly kind: "ask" }
  /** Gratuitous ARP in both forms, unsolicited neighbour advertisements. */
  | { readonly kind: "announce" }
  /** ARP/ND probes for the address: broadcast, and unicast to the MAC when one is given. */
  | { readonly kind: "probe"; readonly holder: MacAddress | undefined }
  | { readonly kind: "probe-witness" }
  /** An ARP/ND probe for the peer's own address: whether its kernel lives. */
  | { readonly kind: "probe-peer" }
  /**
   * The connections to the address that end here are those that this machine keeps. Answered by
   * `kept-listed`.
   */
  | { readonly kind: "list-kept"; readonly id: HandoverId }
  /** What is left of the kept connections ends now; their clients hear it. */
  | { readonly kind: "cut-kept"; readonly id: HandoverId }
  /** The web server may close its idle connections, in its protocol's own way. */
  | { readonly kind: "drain-hook"; readonly id: HandoverId }
  /** Renew the lease of the address, now, without a queue. */
  | { readonly kind: "renew" }
  /** Remember across a restart of the agent. Written without being waited for. */
  | { readonly kind: "journal"; readonly entry: JournalEntry }
  /** One sentence for the log and the history: what was decided, and why. */
  | { readonly kind: "tell"; readonly level: TellLevel; readonly sentence: string }
  /** Holder: measure served traffic from the access_log. Answered by `baseline-measured`. */
  | { readonly kind: "measure-baseline"; readonly id: HandoverId }
  /**
   * Target: ask the own service for a page at the real address and find the line. Answered by
   * `rehearsed`.
   */
  | { readonly kind: "rehearse"; readonly id: HandoverId }
  /** Target: count from here on. Answered by `traffic-counted`, again and again. */
  | {
      readonly kind: "count-traffic";
      readonly id: HandoverId;
      readonly step: number;
      /** `handed-over`: those left out that came to this machine by themselves. */
      readonly of: "all" | "handed-over";
    }
  /** Send one tagged request to the address over the network. */
  | { readonly kind: "send-tagged"; readonly id: HandoverId };

export type TellLevel = "info" | "warning" | "error";

export interface JournalEntry {
  readonly epoch: number;
  readonly blind: boolean;
  readonly holding: boolean;
  readonly released: boolean;
  readonly freeze: { readonly on: boolean; readonly stamp: number };
  /** The swap under way, for an agent that restarts in the middle of it. */
  readonly swap: SwapMark | undefined;
}

/**
 * What outlives the agent of a swap: what its kernel does for connections, or a proof that is awaited.
 *
 *   diverted   holder: connections were handed over
 *   recalling  the same, after the swap was rolled back
 *   draining   first holder: the address is gone or was given, and connections are kept
 *   serving    target: connections that were handed over are served, silently
 *   receding   the same, after the swap was rolled back
 *   keeping    target: it holds, and hands back what the other keeps
 *   verifying  target: it holds, and the proof is awaited
 */
export const swapStages = [
  "diverted",
  "recalling",
  "draining",
  "serving",
  "receding",
  "keeping",
  "verifying",
] as const;

export interface SwapMark {
  readonly id: HandoverId;
  readonly stage: (typeof swapStages)[number];
  /** The other machine, as far as frames go. */
  readonly to: MacAddress;
}

/** What one turn answers. */
export interface Turn<State> {
  readonly state: State;
  readonly effects: readonly Effect[];
}
