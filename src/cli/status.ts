import type {
  Freeze,
  HandoverId,
  HandoverPhase,
  MacAddress,
  NetworkView,
  PublicRole,
  ServiceHealth,
} from "../core/beat.ts";
import type { Outcome } from "../core/swap.ts";

/**
 * What an agent knows, as data for people and programs: the answer to `failover status --json` and
 * the lines of the control socket's stream. Plain JSON: what is not known is null, never absent.
 *
 * Every fact has an age. Facts that change one by one have theirs beside them, in milliseconds at
 * the moment of the answer (`heardAge`, `seenAge`, `age`); the single values at the top have theirs
 * under their own name in `ages`. An age of null means: never, since the agent started.
 */
export interface Status {
  readonly pair: string;
  /** This machine's name in the configuration. */
  readonly node: string;
  /** Both names, in the order of the configuration. */
  readonly nodes: readonly [string, string];
  readonly role: PublicRole;
  readonly epoch: number;
  /** The epoch was taken without having heard the peer since start. */
  readonly blind: boolean;
  /** Who holds the address, as far as this machine knows; null: nobody is known to. */
  readonly holder: string | null;
  readonly released: boolean;
  readonly frozen: Freeze["on"];
  /** One sentence: what this machine is doing, and why. */
  readonly why: string;
  /** How long each of the values above has been what it is. */
  readonly ages: Readonly<Record<AgedKey, Age>>;

  readonly addresses: readonly AddressStatus[];
  readonly service: ServiceStatus;
  readonly network: Omit<NetworkView, "carrier"> & {
    /** null: not known, as the interface is down while it is free, or is just coming up. */
    readonly carrier: boolean | null;
    readonly age: Age;
  };
  readonly witness: WitnessStatus;
  readonly peer: PeerStatus;
  readonly keys: KeyStatus;
  /** In the order of the configuration. */
  readonly paths: readonly PathStatus[];
  /** The one that is going on. */
  readonly handover: HandoverStatus | null;
  /** What this machine served in the last seconds; null: no swap is going on, or not known yet. */
  readonly traffic: RecentTraffic | null;
  /** The last that ended since the agent started. */
  readonly lastHandover: HandoverEnd | null;
  /** Swaps that wait for their hour in this agent, the next one first. */
  readonly waiting: readonly WaitingStatus[];
  /** What an administrator should look at; empty: nothing. */
  readonly alerts: readonly Alert[];
  /** What `promote` waits for, from the configuration in force. */
  readonly swap: {
    readonly minRequests: number;
    readonly maxErrorRate: number;
    readonly verifyTime: number;
    /** How many shares of new connections are proved one after the other. */
    readonly steps: number;
    readonly drainTime: number;
  };
  readonly agent: {
    readonly version: string;
    readonly pid: number;
    /** Digest of the configuration in force, 16 hex digits. */
    readonly configuration: string;
    /** This machine can hand connections over and back, as was found when the agent started. */
    readonly diverts: boolean;
    /** Since it started. */
    readonly age: number;
  };
}

/** Milliseconds, fractions allowed; null: never. */
export type Age = number | null;

export const agedKeys = [
  "pair",
  "node",
  "role",
  "epoch",
  "blind",
  "holder",
  "released",
  "frozen",
  "why",
] as const;
export type AgedKey = (typeof agedKeys)[number];

export interface AddressStatus {
  readonly address: string;
  readonly interface: string;
  /** Observed on the interface, by the kernel's own word. */
  readonly present: boolean;
  /** Of that observation. */
  readonly age: Age;
}

export interface ServiceStatus {
  readonly health: ServiceHealth;
  readonly port: number;
  /** Since something was last seen listening. */
  readonly age: Age;
}

export interface WitnessStatus {
  readonly addresses: readonly string[];
  readonly seenAge: Age;
  /**
   * Never seen since start, or unseen by both machines while they heard each other: no evidence.
   */
  readonly broken: boolean;
}

export interface PeerStatus {
  readonly node: string;
  /** A beat came within `deadTime`, on any path. */
  readonly heard: boolean;
  /** Since the last beat on any path; with null nothing else here is known, and null as well. */
  readonly heardAge: Age;
  /** Since the newest of our beats that the peer says it heard. */
  readonly hearsUsAge: Age;
  readonly role: PublicRole | null;
  readonly epoch: number | null;
  readonly able: boolean | null;
  readonly released: boolean | null;
  /** It can hand connections over and back; otherwise a swap is in cut mode. */
  readonly diverts: boolean | null;
  readonly service: ServiceHealth | null;
  readonly network: NetworkView | null;
  readonly mac: MacAddress | null;
  /** Digest of its configuration, 16 hex digits. */
  readonly configuration: string | null;
}

/** Keys by their ids, 0 to 255. */
export interface KeyStatus {
  /** In force here, newest first. */
  readonly accepted: readonly number[];
  /** As the peer's last beat says; null while it is not heard. */
  readonly peer: { readonly signed: number; readonly newest: number } | null;
}

export interface PathStatus {
  /** `203.0.113.11 → 203.0.113.12`: local, then peer. */
  readonly name: string;
  /** It crosses the service network. */
  readonly service: boolean;
  readonly heardAge: Age;
  readonly hearsUsAge: Age;
  /** Datagrams, since the agent started. */
  readonly received: number;
  readonly sent: number;
  /** By the reasons of the protocol; a reason that never happened may be missing. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Between two beats, in milliseconds; null: fewer than two were heard. */
  readonly longestGap: number | null;
  /** The least `deadTime` that this gap would have survived. */
  readonly deadTimeForGap: number | null;
}

export interface HandoverStatus {
  readonly id: HandoverId;
  readonly from: string;
  readonly to: string;
  /** The furthest that either side has come. */
  readonly phase: HandoverPhase;
  /** Since the handover began, and since this phase did. */
  readonly age: number;
  readonly phaseAge: number;
  /** What the holder served before; null: not measured yet. */
  readonly baseline: TrafficCounts | null;
  /** What the target has served of what it was handed, or since it holds; null: nothing yet. */
  readonly served: TrafficCounts | null;
  readonly mode: "drain" | "cut";
  /** Of new connections, handed over to the target now: 0 to 1. */
  readonly share: number;
  /** TCP connections to the address that end on either machine; null: not counted. */
  readonly connections: { readonly from: number | null; readonly to: number | null };
  /**
   * Neighbours that sent to the first holder in the last ten seconds, though the address is gone; null: not
   * counted, or counted by the other machine alone.
   */
  readonly stragglers: number | null;
  /** A share, or a preview, that stays as it is until it is told to go on or back, or its time is over. */
  readonly held: boolean;
  readonly reason: string;
}

export interface TrafficCounts {
  readonly requests: number;
  readonly errors: number;
  /** Milliseconds in which they were counted. */
  readonly span: number;
}

export interface RecentTraffic extends TrafficCounts {
  /** Of the answer. */
  readonly age: number;
}

export interface HandoverEnd {
  readonly id: HandoverId;
  readonly from: string;
  readonly to: string;
  readonly outcome: Outcome["result"];
  /** One sentence; empty where there is nothing to explain. */
  readonly reason: string;
  readonly served: TrafficCounts | null;
  /** Since it ended. */
  readonly age: number;
}

export interface WaitingStatus {
  /** The id that the handover will have. */
  readonly id: HandoverId;
  /** Who shall hold the address. */
  readonly node: string;
  /** Its hour, `2026-11-22T03:40+01:00`. */
  readonly at: string;
  /** Milliseconds until then. */
  readonly in: number;
  /** `checking`: its hour has come, and this machine is looked at first. */
  readonly state: "waiting" | "checking";
  /** It is on the disk, and so survives a restart of the agent. */
  readonly kept: boolean;
  /** Since it was asked for. */
  readonly age: number;
}

export interface Alert {
  readonly sentence: string;
  /** Since it was first seen. */
  readonly age: number;
}
