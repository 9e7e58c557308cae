import { hostPrefix, type IpAddress } from "./ip-address.ts";
import { closeSocket, openSocket, receive, send } from "./native.ts";

/**
 * Whether any TCP connection to the addresses is busy, by sock_diag(7): the kernel filters by state and
 * address and fills one buffer at a time, so a single answer is read, however many sockets there are.
 */
export function anyConnection(addresses: readonly IpAddress[]): boolean {
  return addresses.some((address) =>
    socketFamilies.some(
      (family) => answers(socketQuestion(family, address, busyStates)) !== "none",
    ),
  );
}

/** Sockets of both families: a server on `::` takes IPv4 connections into IPv6 sockets. */
export const socketFamilies = [2, 10] as const;

/** Bits of include/net/tcp_states.h: established, both ways of opening, every way of being half closed. */
export const busyStates = [1, 3, 4, 8, 9, 11, 12].reduce((bits, state) => bits | (1 << state), 0);

const netlinkFamily = 16;
const rawType = 3;
export const sockDiagProtocol = 4;
const requestDump = 0x301;
const sockDiagByFamily = 20;
const messageDone = 3;
const tcp = 6;

const sourceCondition = 7;
const bytecodeAttribute = 1;

/** `struct inet_diag_req_v2` with one condition in the kernel's own little byte code, inet_diag.h. */
export function socketQuestion(family: number, address: IpAddress, states: number): Buffer {
  const condition = 4 + 8 + address.bytes.length;
  const bytes = Buffer.alloc(16 + 56 + 4 + condition);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(sockDiagByFamily, 4);
  bytes.writeUInt16LE(requestDump, 6);
  bytes.writeUInt8(family, 16);
  bytes.writeUInt8(tcp, 17);
  bytes.writeUInt32LE(states, 20);
  const attribute = 16 + 56;
  bytes.writeUInt16LE(4 + condition, attribute);
  bytes.writeUInt16LE(bytecodeAttribute, attribute + 2);
  const op = attribute + 4;
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

/** A kernel that does not answer is taken to have connections: who asks waits its time out. */
function answers(request: Buffer): "some" | "none" {
  const fd = openSocket(netlinkFamily, rawType, sockDiagProtocol);
  if (fd < 0) return "some";
  try {
    const answer = Buffer.alloc(32 * 1024);
    if (send(fd, request) < 0 || receive(fd, answer) < 16) return "some";
    return answer.readUInt16LE(4) === messageDone ? "none" : "some";
  } finally {
    closeSocket(fd);
  }
}
