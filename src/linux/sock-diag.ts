import { addressOf, hostPrefix, type IpAddress } from "./ip-address.ts";
import { closeSocket, openSocket, receive, send } from "./native.ts";
import { messageTypes, parseMessages } from "./netlink.ts";

/**
 * TCP sockets of this machine, by sock_diag(7): the kernel filters by state, address and port and fills one
 * buffer at a time, so that what is read is as little as what was asked for. A question costs some ten
 * microseconds and the walk over the sockets that it concerns; a machine's very first one may load the module
 * that answers, which takes milliseconds.
 */

/** Whether any connection to the addresses is busy, however many there are: a single answer is read. */
export function anyConnection(addresses: readonly IpAddress[]): boolean {
  return addresses.some((address) =>
    socketFamilies.some(
      (family) => ask(socketQuestion(family, address, busyStates), noneOrSome) !== "none",
    ),
  );
}

/**
 * The addresses on which something listens on this port, without a walk over connections. Undefined where the
 * kernel does not tell: it was built without, or may not load the module.
 */
export function listenersOf(port: number): readonly IpAddress[] | undefined {
  const [ofIpv4, ofIpv6] = socketFamilies.map((family) => ask(listening(family, port), sources));
  if (ofIpv4 === undefined) return undefined;
  // A kernel without IPv6 has nobody to ask about it.
  return [...ofIpv4, ...(ofIpv6 ?? [])];
}

const netlinkFamily = 16;
const rawType = 3;
export const sockDiagProtocol = 4;
const requestDump = 0x301;
const sockDiagByFamily = 20;
const tcp = 6;

/** Sockets of both families: a server on `::` takes IPv4 connections into IPv6 sockets. */
export const socketFamilies = [2, 10] as const;

/** Bits of include/net/tcp_states.h: established, both ways of opening, every way of being half closed. */
export const busyStates = [1, 3, 4, 8, 9, 11, 12].reduce((bits, state) => bits | (1 << state), 0);
const listenState = 1 << 10;

const headerBytes = 16;
const requestBytes = headerBytes + 56;
const sourceCondition = 7;
const bytecodeAttribute = 1;

/** `struct inet_diag_req_v2`, include/uapi/linux/inet_diag.h. */
function question(family: number, states: number, attributeBytes = 0): Buffer {
  const bytes = Buffer.alloc(requestBytes + attributeBytes);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(sockDiagByFamily, 4);
  bytes.writeUInt16LE(requestDump, 6);
  bytes.writeUInt8(family, 16);
  bytes.writeUInt8(tcp, 17);
  bytes.writeUInt32LE(states, 20);
  return bytes;
}

function listening(family: number, port: number): Buffer {
  const bytes = question(family, listenState);
  bytes.writeUInt16BE(port, 24);
  return bytes;
}

/** With one condition in the kernel's own little byte code, inet_diag.h. */
export function socketQuestion(family: number, address: IpAddress, states: number): Buffer {
  const condition = 4 + 8 + address.bytes.length;
  const bytes = question(family, states, 4 + condition);
  bytes.writeUInt16LE(4 + condition, requestBytes);
  bytes.writeUInt16LE(bytecodeAttribute, requestBytes + 2);
  const op = requestBytes + 4;
  bytes.writeUInt8(sourceCondition, op);
  bytes.writeUInt8(condition, op + 1);
  // Beyond the end by one instruction: refused.
  bytes.writeUInt16LE(condition + 4, op + 2);
  bytes.writeUInt8(address.family === 4 ? 2 : 10, op + 4);
  bytes.writeUInt8(hostPrefix(address), op + 5);
  bytes.writeInt32LE(-1, op + 8);
  bytes.set(address.bytes, op + 12);
  return bytes;
}

/** Reads the next part of the answer into a buffer of its own; undefined where there is none. */
type Next = () => Buffer | undefined;

function ask<Answer>(request: Buffer, read: (next: Next) => Answer): Answer | undefined {
  const fd = openSocket(netlinkFamily, rawType, sockDiagProtocol);
  if (fd < 0) return undefined;
  try {
    if (send(fd, request) < 0) return undefined;
    return read(() => {
      const length = receive(fd, buffer);
      return length < headerBytes ? undefined : buffer.subarray(0, length);
    });
  } finally {
    closeSocket(fd);
  }
}

/** One for all answers: each is read to its end before the next question. */
const buffer = Buffer.alloc(32 * 1024);

/** A kernel that does not answer is taken to have connections: who asks waits its time out. */
const noneOrSome = (next: Next): "none" | "some" =>
  next()?.readUInt16LE(4) === messageTypes.done ? "none" : "some";

/** The source of every `struct inet_diag_msg`, up to the message that ends a dump. */
function sources(next: Next): readonly IpAddress[] | undefined {
  const found: IpAddress[] = [];
  for (let part = next(); part !== undefined; part = next()) {
    for (const { type, payload } of parseMessages(part)) {
      if (type === messageTypes.done) return found;
      if (type !== sockDiagByFamily) return undefined;
      found.push(addressOf(payload.subarray(8, payload[0] === socketFamilies[0] ? 12 : 24)));
    }
  }
  return undefined;
}
