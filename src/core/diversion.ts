import type { MacAddress } from "./beat.ts";

/**
 * What a machine passes on to the other one, of the frames for the address that arrive at its service
 * interface.
 */
export type Diversion =
  | { readonly kind: "none" }
  | ByShare
  /**
   * Whoever lets the address go: all but the connections that it keeps. What neighbours with an old
   * entry still send here reaches the holder.
   */
  | { readonly kind: "all-but-kept"; readonly to: MacAddress }
  /** The new holder: exactly the connections that the other machine keeps. */
  | { readonly kind: "kept"; readonly to: MacAddress };

/**
 * What is to be passed on. `reset`: the machine that connections were handed to is gone: their clients are to
 * hear it at once, and then nothing is passed on, as which it is observed.
 */
export type DiversionWish = Diversion | { readonly kind: "reset" };

/** The holder: new connections, a share of them or those of some clients, and all that they send. */
export interface ByShare {
  readonly kind: "share";
  readonly to: MacAddress;
  /**
   * Of new TCP connections, 0 to 1; at 1 every other protocol goes along, except ICMP. At 0 nobody new is
   * handed over, and those handed over before stay so until they end: so it begins, warm, and so it ends.
   */
  readonly share: number;
  /** Clients, as IPv4 or IPv6 addresses, that are handed over whatever the share. */
  readonly testers: readonly string[];
}

/** One TCP connection to an address of the pair, seen from the pair. */
export interface Flow {
  readonly address: string;
  readonly port: number;
  readonly client: string;
  readonly clientPort: number;
}

export const noDiversion: Diversion = { kind: "none" };

export function sameDiversion(one: DiversionWish, other: DiversionWish): boolean {
  if (one.kind === "none" || one.kind === "reset") return one.kind === other.kind;
  if (other.kind === "none" || other.kind === "reset") return false;
  if (one.to !== other.to) return false;
  if (one.kind !== "share" || other.kind !== "share") return one.kind === other.kind;
  const same = one.testers.length === other.testers.length;
  return (
    same &&
    one.share === other.share &&
    one.testers.every((tester, at) => tester === other.testers[at])
  );
}
