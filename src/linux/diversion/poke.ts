import { randomBytes } from "node:crypto";
import { setImmediate } from "node:timers/promises";

import type { Flow } from "../../core/diversion.ts";
import { type IpAddress, parseAddress } from "../ip-address.ts";
import { closeSocket, openSocket, send } from "../native.ts";
import { explain } from "../netlink-socket.ts";

/**
 * The machine that served these connections is dead, and their clients do not know: those that only
 * receive would wait for ever. Each is sent a bare ACK that fits nothing. It answers with what it expects
 * (RFC 5961, a challenge ACK), and now this machine's kernel, which has no such connection, resets it with
 * the right number. A SYN instead would break the connections that have just been opened here.
 *
 *   IPv4, the kernel fills in lengths and checksum      IPv6
 *   | 45 00 | length | id | 0 | 64 | 6 | 0 | A | client | | 60 | .. | 20 | 6 | 64 | A | client |
 *
 *   TCP  | port | client's port | random | random | 50 | ACK | window | checksum | 0 |
 */

const rawType = 3;
const rawProtocol = 255;
const tcpLength = 20;
const tcp = 6;
const ack = 0x10;
const sliceMillis = 3;

/** Sends from the pair's address, which this machine must have. Rejects with a sentence. */
export async function poke(flows: readonly Flow[]): Promise<void> {
  const sockets = new Map<4 | 6, number>();
  try {
    let begun = performance.now();
    for (const flow of flows) {
      if (performance.now() - begun > sliceMillis) {
        await setImmediate();
        begun = performance.now();
      }
      const to = parseAddress(flow.client);
      const fd = sockets.get(to.family) ?? open(to.family);
      sockets.set(to.family, fd);
      // One that cannot be sent is lost, as on any network.
      send(fd, pokePacket(flow, randomBytes(8)), socketAddress(to));
    }
  } finally {
    for (const fd of sockets.values()) closeSocket(fd);
  }
}

export const pokePacket = (flow: Flow, random: Uint8Array): Buffer => {
  const from = parseAddress(flow.address);
  const to = parseAddress(flow.client);
  const header = from.family === 4 ? ipv4Header(from, to) : ipv6Header(from, to);
  const segment = Buffer.alloc(tcpLength);
  segment.writeUInt16BE(flow.port, 0);
  segment.writeUInt16BE(flow.clientPort, 2);
  segment.set(random.subarray(0, 8), 4);
  segment.writeUInt8((tcpLength / 4) << 4, 12);
  segment.writeUInt8(ack, 13);
  segment.writeUInt16BE(1024, 14);
  segment.writeUInt16BE(checksum([from.bytes, to.bytes, segment]), 16);
  return Buffer.concat([header, segment]);
};

const open = (family: 4 | 6): number => {
  const fd = openSocket(family === 4 ? 2 : 10, rawType, rawProtocol);
  if (fd < 0) throw new Error(`Cannot open a raw IPv${family} socket: ${explain(fd)}`);
  return fd;
};

const ipv4Header = (from: IpAddress, to: IpAddress): Buffer => {
  const header = Buffer.alloc(20);
  header.writeUInt8(0x45, 0);
  header.writeUInt8(64, 8);
  header.writeUInt8(tcp, 9);
  header.set(from.bytes, 12);
  header.set(to.bytes, 16);
  return header;
};

const ipv6Header = (from: IpAddress, to: IpAddress): Buffer => {
  const header = Buffer.alloc(40);
  header.writeUInt8(0x60, 0);
  header.writeUInt16BE(tcpLength, 4);
  header.writeUInt8(tcp, 6);
  header.writeUInt8(64, 7);
  header.set(from.bytes, 8);
  header.set(to.bytes, 24);
  return header;
};

/** RFC 1071, over the pseudo-header of either family and the segment. */
const checksum = (parts: readonly Uint8Array[]): number => {
  let sum = tcp + tcpLength;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 2) sum += ((part[at] ?? 0) << 8) | (part[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
};

/** struct sockaddr_in and sockaddr_in6 without a port. */
const socketAddress = ({ family, bytes }: IpAddress): Buffer => {
  const address = Buffer.alloc(family === 4 ? 16 : 28);
  address.writeUInt16LE(family === 4 ? 2 : 10, 0);
  address.set(bytes, family === 4 ? 4 : 8);
  return address;
};
