/**
 * Why a datagram was not listened to: a closed list, each counted, in the order in which they are
 * checked, the cheapest first. docs/PROTOCOL.md says what an administrator concludes from each.
 */
export const dropReasons = [
  /** Not from the address configured for the path's other end. Checked at the socket. */
  "source",
  /** Too short for an envelope and its seal, or longer than 1200 bytes. */
  "length",
  /** Does not begin like a beat. */
  "magic",
  /** Version 0, which never existed. Every newer version is read as far as it is known. */
  "version",
  /** A beat of another pair. */
  "pair",
  /** Sealed with a key whose id is not in the key ring. */
  "key",
  /** The seal does not fit: changed on the way, or another key with the same id. */
  "seal",
  /** The seal fits and what it seals does not parse: a fault of the sender's program. */
  "malformed",
  /** Our own beat came back. */
  "own",
  /** This counter of this session was heard before, or is older than the replay window. */
  "replay",
  /** A session that was believed once and has been replaced by a later start of the peer. */
  "replaced",
  /** A session that has not shown that it hears us, while another such session has its turn. */
  "stranger",
] as const;

export type DropReason = (typeof dropReasons)[number];

export interface Dropped {
  readonly kind: "dropped";
  readonly reason: DropReason;
}

export const dropped = (reason: DropReason): Dropped => ({ kind: "dropped", reason });
