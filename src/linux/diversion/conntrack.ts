import { readFileSync } from "node:fs";

import type { IpAddress } from "../ip-address.ts";
import { attribute, message } from "../netlink.ts";
import { dump, dumpFlags, find, listFailure, type Range } from "./netlink-dump.ts";

/**
 * Connections to the pair's addresses that the kernel translates and passes on, to a container's port as a
 * rule: no socket of this network namespace shows them. Sources: linux/netfilter/nfnetlink_conntrack.h and
 * nf_conntrack_tcp.h.
 */

const netfilterProtocol = 12;
/** NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET. */
const getConnections = (1 << 8) | 1;
const tcp = 6;

const attributes = {
  original: 1,
  reply: 2,
  ip: 1,
  proto: 2,
  v4: { source: 1, destination: 2 },
  v6: { source: 3, destination: 4 },
  protocolNumber: 1,
  sourcePort: 2,
  destinationPort: 3,
  protocolInfo: 4,
  tcpInfo: 1,
  tcpState: 1,
  filter: 25,
  filterOriginal: 1,
} as const;

/** CTA_FILTER_FLAG(CTA_IP_DST). */
const byDestination = 1 << 1;

/** SYN_SENT to LAST_ACK, and SYN_SENT2: TIME_WAIT, CLOSE and nothing at all have ended. */
const liveStates: ReadonlySet<number | undefined> = new Set([1, 2, 3, 4, 5, 6, 9]);

/** `take` sees where the client's address and port, and the pair's port, stand in the bytes. */
export type TakeTranslated = (bytes: Buffer, translated: Translated) => void;

export interface Translated {
  readonly client: Range;
  readonly clientPort: number;
  readonly port: number;
  /** Whoever answers; the pair's own address where only the port was translated. */
  readonly answers: Range;
}

/** Nothing where connections are not tracked. */
export async function eachTranslated(address: IpAddress, take: TakeTranslated): Promise<void> {
  if (!tracking()) return;
  const error = await dump(netfilterProtocol, question(address), (bytes, from, end) => {
    const found = translated(bytes, [from + 4, end], address);
    if (found !== undefined) take(bytes, found);
  });
  if (error < 0) throw listFailure("the connections that are tracked", error);
}

/** Asking the kernel itself would load the modules that it has not got. */
const tracking = (): boolean => {
  try {
    return readFileSync("/proc/sys/net/netfilter/nf_conntrack_count", "latin1") !== "0\n";
  } catch {
    return false;
  }
};

/** Kernels before 5.8 know no filter and show every connection: the reader looks at each, too. */
const question = (address: IpAddress): Buffer => {
  const names = address.family === 4 ? attributes.v4 : attributes.v6;
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE(byDestination);
  return message(
    getConnections,
    dumpFlags,
    1,
    Buffer.from([address.family === 4 ? 2 : 10, 0, 0, 0]),
    nested(attributes.original, nested(attributes.ip, attribute(names.destination, address.bytes))),
    nested(attributes.filter, attribute(attributes.filterOriginal, flags)),
  );
};

const nested = (type: number, inside: Uint8Array): Buffer => attribute(type | 0x8000, inside);

const translated = (bytes: Buffer, all: Range, address: IpAddress): Translated | undefined => {
  const names = address.family === 4 ? attributes.v4 : attributes.v6;
  const original = find(bytes, all, attributes.original);
  const ip = find(bytes, original, attributes.ip);
  const destination = find(bytes, ip, names.destination);
  if (destination === undefined || !same(bytes, destination, address.bytes)) return undefined;
  const info = find(bytes, find(bytes, all, attributes.protocolInfo), attributes.tcpInfo);
  const state = find(bytes, info, attributes.tcpState);
  if (!liveStates.has(state && bytes[state[0]])) return undefined;
  const proto = find(bytes, original, attributes.proto);
  const number = find(bytes, proto, attributes.protocolNumber);
  const reply = find(bytes, all, attributes.reply);
  const client = find(bytes, ip, names.source);
  const answers = find(bytes, find(bytes, reply, attributes.ip), names.source);
  const clientPort = portOf(bytes, proto, attributes.sourcePort);
  const port = portOf(bytes, proto, attributes.destinationPort);
  const answeringPort = portOf(bytes, find(bytes, reply, attributes.proto), attributes.sourcePort);
  if (number === undefined || bytes[number[0]] !== tcp) return undefined;
  if (client === undefined || answers === undefined) return undefined;
  // Untranslated, it is a socket of this machine, or nothing any more.
  const local = same(bytes, answers, address.bytes) && answeringPort === port;
  return local ? undefined : { client, clientPort, port, answers };
};

const portOf = (bytes: Buffer, range: Range | undefined, type: number): number => {
  const found = find(bytes, range, type);
  return found === undefined ? 0 : bytes.readUInt16BE(found[0]);
};

const same = (bytes: Buffer, [from, end]: Range, other: Uint8Array): boolean =>
  bytes.subarray(from, end).equals(other);
