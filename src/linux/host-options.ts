import type { Report } from "../agent/ports.ts";
import type { Instant } from "../core/time.ts";
import type { CommandListener } from "./command.ts";
import type { TroubleListener } from "./troubles.ts";

/** What may be replaced while the host runs, between two handovers. */
export interface HostSettings {
  /** What moves, together: IPv4 and IPv6 addresses without prefix length. */
  readonly addresses: readonly string[];
  /** `auto`: the default gateways of the interface; an empty list: none. */
  readonly witness: "auto" | readonly string[];
  /** Announcements: frames a second at most. */
  readonly announceRate: number;
}

export interface LinuxHostOptions extends HostSettings {
  /** Names the mute's table, `failover_www`. */
  readonly pair: string;
  readonly interface: string;
  /**
   * Where the machines hear each other, for an interface that is taken over with its addresses: it is down
   * while it is free. Undefined: the interface is the administrator's, and only addresses move.
   */
  readonly heartbeatInterface: string | undefined;
  /** In ip-route's notation; added after the addresses, removed before them. */
  readonly routes: readonly string[];
  /** Whole seconds, at least 2: the kernel looks once a second. */
  readonly leaseSeconds: number;
  /** The peer's own addresses on the service network. */
  readonly peers: readonly string[];
  readonly report: Report;
  readonly now: () => Instant;
  /**
   * Runs what came by another way than the sockets of the heart, after these were read if the loop
   * was late: `AlarmClock.afterSockets`. What the host sees, it sees and reports in one go from
   * there.
   */
  readonly afterSockets: (act: () => void) => void;
  /** Of every command but renewals, which are several a second. */
  readonly onCommand?: CommandListener;
  readonly onTrouble?: TroubleListener;
  /** What an administrator should read of a handover: who is left, who is cut. */
  readonly onNotice?: (sentence: string) => void;
  /** A round of announcements is out. */
  readonly onAnnounced?: (frames: number) => void;
}
