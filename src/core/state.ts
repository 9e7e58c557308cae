import type { Beat, Freeze, MacAddress } from "./beat.ts";
import { type Diversion, noDiversion } from "./diversion.ts";
import type { Carrier, Presence } from "./event.ts";
import type { Policy } from "./policy.ts";
import type { Handover } from "./swap.ts";
import type { Instant } from "./time.ts";

/**
 * What one machine is, what it observed of itself and of the other, and what it was told. Every value
 * is either a fact with the instant of its observation or a decision with the instant it was made.
 */
export interface State {
  readonly role: Role;
  /** The highest epoch ever owned, claimed or heard of. */
  readonly epoch: number;
  readonly peer: Peer;
  readonly self: Self;
  readonly witness: Witness;
  readonly neighbours: Neighbours;
  readonly handover: Handover;
  readonly orders: Orders;
  /** When the last late turn was. Words that may be older than that are no evidence. */
  readonly lateAt: Instant;
  /** When the last turn asked to be woken: a turn much later than this was late. */
  readonly alarm: Instant;
}

export type Role =
  /** Passive until the peer is heard, or until `bootTime` has passed on a network that is alive. */
  | { readonly kind: "boot"; readonly since: Instant; readonly aliveSince: Instant | undefined }
  | { readonly kind: "standby"; readonly since: Instant }
  | Inquire
  /** The address is wished for, and not yet observed. */
  | {
      readonly kind: "take";
      readonly since: Instant;
      readonly epoch: number;
      readonly blind: boolean;
    }
  | Hold
  /** The address is unwished, and not yet observed absent. */
  | { readonly kind: "yield"; readonly since: Instant; readonly epoch: number };

export interface Inquire {
  readonly kind: "inquire";
  readonly since: Instant;
  /**
   * When the question was last put afresh: lateness, an answer from a kernel or the witness's
   * return restart it.
   */
  readonly asking: Instant;
  readonly askedAt: Instant | undefined;
  readonly probedAt: Instant | undefined;
  readonly witnessAt: Instant | undefined;
  /** Since when this machine has said without a break that it takes unless somebody answers. */
  readonly claimingSince: Instant | undefined;
  /** A kernel answered for the address in this inquiry, whose-ever it is. */
  readonly answered: boolean;
  /** The missing holder's kernel answered in this inquiry: its lease has to run out first. */
  readonly kernelAnswered: boolean;
  /** What it waits for, beyond answers to its question; said once each time it changes. */
  readonly waiting: string;
}

export interface Hold {
  readonly kind: "hold";
  readonly since: Instant;
  readonly epoch: number;
  readonly blind: boolean;
  /** When the last renewal that the kernel acknowledged was sent. */
  readonly renewedAt: Instant;
  readonly renewalAskedAt: Instant;
  /** Announcements go at once, after 1.1 s and 5 s, then every 30 s, counted from here. */
  readonly announcingSince: Instant;
  readonly announced: number;
  readonly announcedAt: Instant | undefined;
}

export type Peer =
  | { readonly kind: "unheard" }
  | {
      readonly kind: "heard";
      /** The newest beat, and when the newest sign of life came on any path. */
      readonly beat: Beat;
      readonly at: Instant;
      readonly paths: readonly (Instant | undefined)[];
      /** When we sent the newest of our beats that the peer has told us it heard. */
      readonly hearsUs: Instant | undefined;
      /** Since when every beat has been a claim of the address. */
      readonly claimingSince: Instant | undefined;
    };

export interface Self {
  readonly mac: MacAddress;
  readonly carrier: Carrier;
  readonly presence: Presence;
  readonly presenceAt: Instant;
  readonly silent: boolean;
  /** Whether the kernel can pass connections on at all. */
  readonly diverts: boolean;
  /** What it passes on, and since when that is so. */
  readonly diversion: Diversion;
  readonly diversionAt: Instant;
  /** Of the address: connections that end here, and neighbours that still send here. */
  readonly left: Left | undefined;
  readonly networkHeardAt: Instant | undefined;
  readonly service: { readonly listening: boolean; readonly listenedAt: Instant | undefined };
  /** A taking that the kernel did not carry out: not able for a while. */
  readonly failedAt: Instant | undefined;
}

export interface Left {
  readonly connections: number;
  readonly stragglers: number;
  readonly at: Instant;
}

export interface Witness {
  readonly seenAt: Instant | undefined;
  readonly probedAt: Instant | undefined;
  /**
   * Never seen since start, or unseen by both machines while they heard each other: no evidence.
   */
  readonly broken: boolean;
}

export interface Neighbours {
  /** MACs that also answered while the holder was well: gateways with proxy ARP. */
  readonly proxies: readonly MacAddress[];
  readonly foreign: { readonly mac: MacAddress; readonly at: Instant } | undefined;
  /** The kernel of a peer that is not heard answered while this machine held. */
  readonly rival: { readonly since: Instant; readonly at: Instant } | undefined;
  readonly probedAt: Instant | undefined;
  /** When the peer's kernel was last asked for the peer's own address, and when it last answered. */
  readonly peerProbedAt: Instant | undefined;
  readonly peerKernelAt: Instant | undefined;
}

export interface Orders {
  readonly released: boolean;
  readonly leaving: boolean;
  readonly restarting: boolean;
  readonly freeze: Freeze;
}

/** What the journal and the kernel told before the first turn. */
export interface Start {
  readonly at: Instant;
  readonly mac: MacAddress;
  readonly epoch: number;
  readonly released: boolean;
  readonly freeze: Freeze;
  /** Whether this kernel can pass connections on to another machine. */
  readonly diverts: boolean;
}

export function initialState(start: Start, policy: Policy): State {
  return {
    role: { kind: "boot", since: start.at, aliveSince: undefined },
    epoch: start.epoch,
    peer: { kind: "unheard" },
    self: {
      mac: start.mac,
      carrier: "none",
      presence: "none",
      presenceAt: start.at,
      silent: false,
      diverts: start.diverts,
      diversion: noDiversion,
      diversionAt: start.at,
      left: undefined,
      networkHeardAt: undefined,
      service: { listening: false, listenedAt: undefined },
      failedAt: undefined,
    },
    witness: { seenAt: undefined, probedAt: undefined, broken: policy.witness },
    neighbours: {
      proxies: [],
      foreign: undefined,
      rival: undefined,
      probedAt: undefined,
      peerProbedAt: undefined,
      peerKernelAt: undefined,
    },
    handover: { kind: "none", last: undefined },
    orders: {
      released: start.released,
      leaving: false,
      restarting: false,
      freeze: start.freeze,
    },
    lateAt: start.at,
    alarm: start.at,
  };
}
