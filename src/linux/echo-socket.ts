import { randomBytes } from "node:crypto";

import type { IpAddress } from "./ip-address.ts";
import { bindToDevice, closeSocket, openSocket, receive, send, setOption } from "./native.ts";

/**
 * ICMP echo over a raw socket, for witnesses beyond the link.
 *
 *   0      1      2        4            6          8        24
 *   | type | code | check- | identifier | sequence | token  |
 *   |      | 0    | sum    |            |          | 16 B   |    8, 0 and in IPv6 128, 129
 *
 * The token is random: only somebody who was reached can send it back.
 */
export class EchoSocket {
  readonly #family: 4 | 6;
  readonly #token = randomBytes(16);
  readonly #buffer = Buffer.alloc(2048);
  #fd = -1;
  #sequence = 0;

  constructor(family: 4 | 6) {
    this.#family = family;
  }

  /** Sends one request through `device`. Zero or more, or a negated errno. */
  ask(device: string, target: IpAddress): number {
    if (this.#fd < 0) {
      const opened = this.#open(device);
      if (opened < 0) return opened;
    }
    this.#sequence = (this.#sequence + 1) & 0xffff;
    return send(this.#fd, echoRequest(this.#family, this.#sequence, this.#token), sockaddr(target));
  }

  /** How many of our requests were answered since the last call. */
  answers(): number {
    if (this.#fd < 0) return 0;
    let count = 0;
    for (let read = 0; read < 64; read += 1) {
      const length = receive(this.#fd, this.#buffer);
      if (length < 0) break;
      if (isEchoReply(this.#family, this.#buffer.subarray(0, length), this.#token)) count += 1;
    }
    return count;
  }

  close(): void {
    if (this.#fd >= 0) closeSocket(this.#fd);
    this.#fd = -1;
  }

  #open(device: string): number {
    const fd = this.#family === 4 ? openSocket(2, 3, 1) : openSocket(10, 3, 58);
    if (fd < 0) return fd;
    this.#fd = fd;
    const bound = bindToDevice(fd, device);
    const filtered = bound < 0 ? bound : this.#hearRepliesOnly(fd);
    if (filtered < 0) this.close();
    return filtered;
  }

  /** Bits name the types that are *not* wanted: ICMP_FILTER of raw(7), RFC 3542 section 3.2. */
  #hearRepliesOnly(fd: number): number {
    const blocked = Buffer.alloc(this.#family === 4 ? 4 : 32, 0xff);
    const reply = this.#family === 4 ? 0 : 129;
    blocked.writeUInt32LE((0xffffffff & ~(1 << (reply % 32))) >>> 0, Math.floor(reply / 32) * 4);
    const level = this.#family === 4 ? 255 : 58;
    return setOption(fd, level, 1, blocked);
  }
}

export const echoRequest = (family: 4 | 6, sequence: number, token: Uint8Array): Buffer => {
  const message = Buffer.alloc(8 + token.length);
  message.writeUInt8(family === 4 ? 8 : 128, 0);
  message.writeUInt16BE(sequence, 6);
  message.set(token, 8);
  // The kernel fills in the checksum of ICMPv6, because it covers addresses that only it knows.
  if (family === 4) message.writeUInt16BE(checksum(message), 2);
  return message;
};

/** IPv4 comes with its IP header, IPv6 without. */
export const isEchoReply = (family: 4 | 6, packet: Buffer, token: Uint8Array): boolean => {
  const header = family === 4 ? ((packet[0] ?? 0) & 0x0f) * 4 : 0;
  if (packet.length < header + 8 + token.length) return false;
  const reply = family === 4 ? 0 : 129;
  return packet[header] === reply && packet.subarray(header + 8).equals(token);
};

/** RFC 1071. */
const checksum = (message: Buffer): number => {
  let sum = 0;
  for (let at = 0; at + 1 < message.length; at += 2) sum += message.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
};

/** struct sockaddr_in, or sockaddr_in6 without scope: the socket is bound to its device. */
const sockaddr = (address: IpAddress): Buffer => {
  const bytes = Buffer.alloc(address.family === 4 ? 16 : 28);
  bytes.writeUInt16LE(address.family === 4 ? 2 : 10, 0);
  bytes.set(address.bytes, address.family === 4 ? 4 : 8);
  return bytes;
};
