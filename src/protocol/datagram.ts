import type { Beat, HandoverPhase, PublicRole, ServiceHealth } from "../core/beat.ts";
import type { Flow } from "../core/diversion.ts";
import type { KeyWord } from "./keys.ts";

/**
 * One beat on the wire. Integers are big endian; a text is one byte of length, then UTF-8.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +---------------+---------------+---------------+---------------+
 *   0 |      'f'      |      'o'      |      'v'      |      'r'      |
 *     +---------------+---------------+---------------+---------------+
 *   4 |    version    |     flags     |  signed with  |  newest key   |
 *     +---------------+---------------+---------------+---------------+
 *   8 |                             pair                              |
 *     |                                                               |
 *     +---------------------------------------------------------------+
 *  16 |                            session                            |
 *     |                                                               |
 *     +---------------------------------------------------------------+
 *  24 |                            counter                            |
 *     |                                                               |
 *     +---------------+---------------+---------------+---------------+
 *  32 |     path      |   paths (P)   |  echoes (E)   |   E times: session (8),
 *     +---------------+---------------+---------------+   P times: counter (8)
 *     |  body: conditions (2), role (1), service (1), epoch (8), freeze stamp (8), lease (8),
 *     |  interval (8), deadTime (8), MAC (6), configuration (8), handover: phase (1), id (6),
 *     |  requests (8), errors (8), span (8), node (text), reason (text), share (2), step (1),
 *     |  connections (8), kept: pages (4), heard (4), number (4), length (2), flows
 *     +---------------------------------------------------------------+
 *     |  whatever a later version appends                             |
 *     +---------------------------------------------------------------+
 * -32 |  seal: HMAC-SHA256 over every byte before it (32)             |
 *     +---------------------------------------------------------------+
 *
 * This layout is for ever: a later version appends and changes nothing, so that an authentic beat
 * of any version is understood as far as it goes. Odd is not dead.
 */

/** What every IPv6 link carries in one piece (RFC 8200: 1280), less headers and a tunnel. */
export const datagramBytesMax = 1200;

export const magic = Uint8Array.of(0x66, 0x6f, 0x76, 0x72);
export const version = 1;
export const askFlag = 0x01;

export const versionOffset = 4;
export const signedOffset = 6;
export const pairOffset = 8;
export const pairBytes = 8;
export const sessionOffset = 16;
export const headerBytes = 35;

export const pathsMax = 8;
/** The believed session and one candidate. */
export const echoesMax = 2;
/** As long as a host name of Linux may be (HOST_NAME_MAX). */
export const nodeBytesMax = 64;
export const reasonBytesMax = 160;

/** 64 random bits drawn at every start, as 16 lower-case hex digits. */
export type Session = string;

/** Everything about a datagram but the beat in it. */
export interface Envelope {
  /** Demands an instant reply. */
  readonly ask: boolean;
  readonly keys: KeyWord;
  readonly session: Session;
  /** Counts the datagrams of a session from 1, on all paths together; below 2^53. */
  readonly counter: number;
  /** The sender's number of the path; another than the receiver's: the cables are crossed. */
  readonly path: number;
  /** What the sender heard: at most two sessions. */
  readonly echoes: readonly Echo[];
  readonly kept: KeptWord;
}

/** The list of connections that a first holder keeps, told in pages while the beats go on. */
export interface KeptWord {
  /** How many pages the list has; 0 while none is told. */
  readonly pages: number;
  /** Pages that were heard without a gap, from the first on. */
  readonly heard: number;
  readonly page: Page | undefined;
}

export interface Page {
  /** From 1. */
  readonly number: number;
  readonly flows: readonly Flow[];
}

/** Bytes of the flows of one page: with the longest beat before them it stays below the limit. */
export const pageBytesMax = 560;
export const flowBytes = (flow: Flow): number => (flow.address.includes(":") ? 37 : 13);
/** Shares travel in ten-thousandths; what is not nothing and not all stays so. */
export const shareUnits = 10_000;

/** What was heard of one session: per path the newest counter, 0 where nothing was heard. */
export interface Echo {
  readonly session: Session;
  readonly counters: readonly number[];
}

/** An authentic datagram. */
export interface Message {
  readonly kind: "message";
  /** The sender's; more than ours says that it knows fields that were not read. */
  readonly version: number;
  readonly envelope: Envelope;
  readonly beat: Beat;
}

/** The conditions of a beat, one bit each. */
export const conditionBits = {
  blind: 1 << 0,
  first: 1 << 1,
  present: 1 << 2,
  able: 1 << 3,
  released: 1 << 4,
  frozen: 1 << 5,
  carrier: 1 << 6,
  peer: 1 << 7,
  witness: 1 << 8,
  diverts: 1 << 9,
  restarting: 1 << 10,
} as const;

/*
 * Codes are written out, rather than taken from the order of the core's lists, so that nobody
 * changes the wire by sorting a list. A word that the core gains is a compile error here until it
 * has its code.
 */

export const roleCodes: Readonly<Record<PublicRole, number>> = {
  boot: 1,
  standby: 2,
  asking: 3,
  claiming: 4,
  taking: 5,
  holding: 6,
  yielding: 7,
};

export const serviceCodes: Readonly<Record<ServiceHealth, number>> = {
  unwatched: 1,
  well: 2,
  failed: 3,
};

export const phaseCodes: Readonly<Record<HandoverPhase, number>> = {
  none: 1,
  wanted: 2,
  measuring: 3,
  prepare: 4,
  rehearsing: 5,
  ready: 6,
  released: 7,
  verifying: 8,
  done: 9,
  refused: 10,
  returning: 11,
  "rolled-back": 12,
  "wanted-cut": 13,
  diverting: 14,
  serving: 15,
  proved: 16,
  telling: 17,
  placed: 18,
  moving: 19,
  draining: 20,
};
