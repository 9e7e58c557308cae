import type { Beat, HandoverId, MacAddress } from "./beat.ts";
import type { Diversion, Flow } from "./diversion.ts";
import type { SwapMark } from "./effect.ts";
import type { Instant, Millis } from "./time.ts";

/**
 * Everything that can happen. Whatever fails, waits or surprises lives outside the core and reports
 * back as one of these.
 */
export type Event =
  /** The alarm went off, or anything else woke the machine; a spurious one is harmless. */
  | { readonly kind: "woke" }
  /**
   * A beat of the believed session. One that was overtaken on another path is not `newest`: a sign of
   * life, and nothing more. `heardOfUs`: when we sent the newest beat that the peer had heard by then.
   */
  | {
      readonly kind: "beat-heard";
      readonly path: number;
      readonly beat: Beat;
      readonly newest: boolean;
      readonly heardOfUs: Instant | undefined;
    }
  /**
   * The kernel's word on the address (all of the pair's addresses together) on the service
   * interface.
   */
  | { readonly kind: "address-observed"; readonly presence: Presence }
  /** The kernel's word on the silent address: on `lo`, and muted unless on the interface too. */
  | { readonly kind: "silent-observed"; readonly present: boolean }
  /** The kernel acknowledged a renewal of the lease that was sent at `sentAt`. */
  | { readonly kind: "renewed"; readonly sentAt: Instant }
  /** The door is closed; `quiet`: and no TCP connection to the address is busy any more. */
  | { readonly kind: "door-observed"; readonly quiet: boolean }
  /** The kernel's word on what is passed on to the other machine. */
  | { readonly kind: "diversion-observed"; readonly diversion: Diversion }
  /**
   * While anything is passed on or silent, several times a second: TCP connections to the address that
   * end here, and neighbours that sent to it here in the last ten seconds though it is elsewhere.
   */
  | {
      readonly kind: "connections-counted";
      readonly connections: number;
      readonly stragglers: number;
    }
  /** What this machine keeps, and its kernel knows it. */
  | { readonly kind: "kept-listed"; readonly id: HandoverId; readonly flows: readonly Flow[] }
  /** The peer's list is complete, and in this machine's kernel. */
  | { readonly kind: "kept-placed"; readonly id: HandoverId }
  /** The kernel of the peer, whose agent may be gone, answered for its own address. */
  | { readonly kind: "peer-kernel-answered" }
  | { readonly kind: "carrier-observed"; readonly carrier: Carrier; readonly mac: MacAddress }
  /** Something was heard on the service network, whatever it was. */
  | { readonly kind: "network-heard" }
  /** ARP or ND named this MAC, not ours, as the owner of the address. */
  | { readonly kind: "neighbour-answered"; readonly mac: MacAddress }
  /** `mac` where the witness is on the link. */
  | { readonly kind: "witness-answered"; readonly mac: MacAddress | undefined }
  /** Whether something listens at the service's port. */
  | { readonly kind: "service-observed"; readonly listening: boolean }
  | { readonly kind: "baseline-measured"; readonly id: HandoverId; readonly result: Baseline }
  | { readonly kind: "rehearsed"; readonly id: HandoverId; readonly result: Rehearsal }
  /**
   * Counts since `count-traffic` of this handover, our own canary left out; `tagged`: our tagged
   * request was among the lines.
   */
  | {
      readonly kind: "traffic-counted";
      readonly id: HandoverId;
      readonly step: number;
      readonly requests: number;
      readonly errors: number;
      readonly tagged: boolean;
    }
  | { readonly kind: "operator-asked"; readonly order: Order }
  /**
   * At start: the kernel still has the leased address and the journal's last word is that we hold
   * it.
   */
  | {
      readonly kind: "adopted";
      readonly epoch: number;
      readonly blind: boolean;
      readonly swap: SwapMark | undefined;
    }
  /** At start, not holding: the swap that the last agent was in, whose traces are still in the kernel. */
  | { readonly kind: "resumed"; readonly swap: SwapMark };

export type Presence = "none" | "some" | "all";

/** Of the service interface. `unknown`: it is down because it is not needed, or has just been put up. */
export type Carrier = "up" | "none" | "unknown";

export type Baseline =
  | {
      readonly kind: "served";
      readonly requests: number;
      readonly errors: number;
      readonly span: Millis;
    }
  | { readonly kind: "unproved"; readonly reason: string };

export type Rehearsal =
  | { readonly kind: "ready" }
  | { readonly kind: "unready"; readonly reason: string };

export type Order =
  | PromoteOrder
  /** The holder passes connections of these clients to the other machine, for a while. */
  | {
      readonly kind: "preview";
      readonly id: HandoverId;
      readonly testers: readonly string[];
      readonly span: Millis;
    }
  /** What is held, a share or a preview, goes back. */
  | { readonly kind: "recall" }
  | { readonly kind: "release" }
  | { readonly kind: "freeze" }
  | { readonly kind: "thaw" }
  /** The agent is about to stop: let go, say so, and come back able. */
  | { readonly kind: "leave" }
  /** The agent is about to make way for the next one on this machine: the address stays. */
  | { readonly kind: "step-aside" };

export interface PromoteOrder {
  readonly kind: "promote";
  readonly node: string;
  readonly id: HandoverId;
  /** In cut mode, whatever the configuration says. */
  readonly cut: boolean;
  /** Stay at this share of new connections, 0 to 1, until told to go on; after `span` go back. */
  readonly hold: { readonly share: number; readonly span: Millis } | undefined;
  /** In place of the configured one; may be infinite. */
  readonly drainTime: Millis | undefined;
}
