import { type Millis, millis } from "./time.ts";

/**
 * The beat: the whole public state of a machine, as data. There is no other message. A lost one is
 * repaired by the next; nothing is acknowledged, because the peer's own beat shows what it has seen.
 */
export interface Beat {
  readonly node: string;
  readonly role: PublicRole;
  /**
   * Claiming, taking, holding, yielding: the epoch of that ownership. Otherwise the highest epoch
   * known.
   */
  readonly epoch: number;
  /** The epoch was taken by a machine that had not heard its peer since it started. */
  readonly blind: boolean;
  /** The sender's configuration puts the sender first. */
  readonly first: boolean;
  /** The address was observed on the sender's service interface, or part of it. */
  readonly present: boolean;
  /** Nothing but the peer's holding keeps the sender from taking the address. */
  readonly able: boolean;
  readonly released: boolean;
  /** The next agent on the sender's machine takes over from this one: its silence says little for a while. */
  readonly restarting: boolean;
  /** Its kernel can pass connections on to another machine. */
  readonly diverts: boolean;
  readonly freeze: Freeze;
  readonly service: ServiceHealth;
  /** How the service network looks from the sender. */
  readonly network: NetworkView;
  readonly lease: Millis;
  readonly interval: Millis;
  readonly deadTime: Millis;
  /** MAC address of the sender's service interface, `aa:bb:cc:dd:ee:ff`. */
  readonly mac: MacAddress;
  /** Digest of the configuration, 16 hex digits. */
  readonly configuration: string;
  readonly handover: HandoverWord;
}

export const publicRoles = [
  "boot",
  "standby",
  /** Nobody is heard to hold: asking whether that is so. */
  "asking",
  /** Nobody answered so far, and unless somebody does the sender takes. */
  "claiming",
  "taking",
  "holding",
  /** The address is being removed, and not yet observed absent. */
  "yielding",
] as const;
export type PublicRole = (typeof publicRoles)[number];

/** `unwatched`: nothing was ever seen listening, so nothing can have failed. */
export const serviceHealths = ["unwatched", "well", "failed"] as const;
export type ServiceHealth = (typeof serviceHealths)[number];

export interface NetworkView {
  /** Not known to be missing: nothing is known of an interface that is down because it is free. */
  readonly carrier: boolean;
  /** The peer is heard on a path across the service network. */
  readonly peer: boolean;
  readonly witness: boolean;
}

/** The pair is frozen by whichever side spoke last: the higher stamp wins. */
export interface Freeze {
  readonly on: boolean;
  readonly stamp: number;
}

export type MacAddress = string;

/** Twelve hex digits, drawn by the side on which the operator spoke. */
export type HandoverId = string;

export const handoverPhases = [
  "none",
  /** The target's operator asks the holder to begin. */
  "wanted",
  /** The same, in cut mode. */
  "wanted-cut",
  /** Holder: its baseline is being measured. */
  "measuring",
  /** Holder: baseline known, the target may prepare. */
  "prepare",
  /** Target: the silent address is going up and a page is being asked for. */
  "rehearsing",
  /** Target: silent address up, page asked for, line found in the access_log. */
  "ready",
  /** Holder: new connections go to the target, as many as `share` says, in the step that `step` names. */
  "diverting",
  /** Target: it serves them, silently, and counts. */
  "serving",
  /** Target: the step is proved. */
  "proved",
  /** Holder: the connections that it keeps are being told. */
  "telling",
  /** Target: it has the list, and its kernel hands them back. */
  "placed",
  /** Holder: the target may take, and both doors lead to it. */
  "moving",
  /** Target: it holds, and hands back what the other keeps. Holder: it ends what it keeps. */
  "draining",
  /** Holder: the address was observed gone. */
  "released",
  /** Target: it holds, and counts what it serves. */
  "verifying",
  "done",
  "refused",
  /** Target: proof did not come, it lets go and the first holder takes the address back. */
  "returning",
  "rolled-back",
] as const;
export type HandoverPhase = (typeof handoverPhases)[number];

/** What one side says of the handover it takes part in. */
export interface HandoverWord {
  readonly phase: HandoverPhase;
  readonly id: HandoverId;
  /**
   * One sentence, cut to 160 bytes of UTF-8 on the wire; empty where there is nothing to explain.
   */
  readonly reason: string;
  /** Holder: the baseline. Target: what was counted in the step, or since it holds. */
  readonly requests: number;
  readonly errors: number;
  /** The span the counts belong to. */
  readonly span: Millis;
  /** Holder: the share of new connections that are handed over, 0 to 1, and the step it belongs to. */
  readonly share: number;
  readonly step: number;
  /** TCP connections to the address that end at the sender. */
  readonly connections: number;
}

export const noHandover: HandoverWord = {
  phase: "none",
  id: "000000000000",
  reason: "",
  requests: 0,
  errors: 0,
  span: millis(0),
  share: 0,
  step: 0,
  connections: 0,
};
