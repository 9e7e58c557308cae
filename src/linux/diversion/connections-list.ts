import { networkInterfaces } from "node:os";

import type { Flow } from "../../core/diversion.ts";
import { busyStates, sockDiagProtocol, socketFamilies, socketQuestion } from "../sock-diag.ts";
import { addressOf, type IpAddress, parseAddress } from "../ip-address.ts";
import { eachTranslated } from "./conntrack.ts";
import { dump, listFailure } from "./netlink-dump.ts";

export interface ConnectionCount {
  readonly total: number;
  /** Most first, ten at most. */
  readonly clients: readonly { readonly client: string; readonly count: number }[];
}

/**
 * The TCP connections to these addresses, by sock_diag(7) and, where the machine translates addresses, by
 * conntrack: what this machine has to keep when the address goes. Its own connections to the addresses are
 * left out: no frame of them arrives by an interface. 50,000 take some tenths of a second in slices of some
 * milliseconds; what opens or ends meanwhile may or may not be in it. Rejects where the kernel refuses.
 */
export async function listConnections(addresses: readonly IpAddress[]): Promise<readonly Flow[]> {
  const flows = new Map<string, Flow>();
  const isOwn = ownClients(addresses);
  for (const address of addresses) {
    const add = (client: Uint8Array, clientPort: number, port: number): void => {
      const { text } = addressOf(client);
      if (isOwn(client)) return;
      const flow = { address: address.text, port, client: text, clientPort };
      flows.set(`${address.text} ${port} ${text} ${clientPort}`, flow);
    };
    await eachSocket(address, keptStates, add);
    await eachTranslated(address, (bytes, { client, clientPort, port }) =>
      add(bytes.subarray(...client), clientPort, port),
    );
  }
  return [...flows.values()];
}

/** How many are still busy, and whose they are; at the cost of listing them, so seldom where there are many. */
export async function countConnections(addresses: readonly IpAddress[]): Promise<ConnectionCount> {
  const counts = new Map<string, number>();
  const isOwn = ownClients(addresses);
  let total = 0;
  const count = (client: Buffer): void => {
    if (isOwn(client)) return;
    const key = client.toString("latin1");
    counts.set(key, (counts.get(key) ?? 0) + 1);
    total += 1;
  };
  for (const address of addresses) {
    await eachSocket(address, busyStates, count);
    await eachTranslated(address, (bytes, { client, answers }) => {
      // Passed on to another port of the address, it has a socket, which was counted.
      const socket = addresses.some((one) => bytes.subarray(...answers).equals(one.bytes));
      if (!socket) count(bytes.subarray(...client));
    });
  }
  const most = [...counts].sort(([, one], [, other]) => other - one).slice(0, clientsMax);
  const clients = most.map(([key, busy]) => ({
    client: addressOf(Buffer.from(key, "latin1")).text,
    count: busy,
  }));
  return { total, clients };
}

const clientsMax = 10;

/**
 * FIN-WAIT-2 as well: nothing is owed there, but the client's last frames should not find a machine that
 * answers them with a reset.
 */
const keptStates = busyStates | (1 << 5);

/**
 * `struct inet_diag_msg` of linux/inet_diag.h:
 *
 *   0        1       4       6       8        24            40
 *   | family | ..    | port  | port  | address | client's   | ...     ports and addresses in network order
 */
const eachSocket = async (
  address: IpAddress,
  states: number,
  take: (client: Buffer, clientPort: number, port: number) => void,
): Promise<void> => {
  for (const family of socketFamilies) {
    const question = socketQuestion(family, address, states);
    const error = await dump(sockDiagProtocol, question, (bytes, from, end) => {
      if (end - from < 40) return;
      // An IPv6 socket holds an IPv4 client as ::ffff:192.0.2.1.
      const mapped = family === 10 && address.family === 4 ? 12 : 0;
      const client = from + 24 + mapped;
      take(
        bytes.subarray(client, client + address.bytes.length),
        bytes.readUInt16BE(from + 6),
        bytes.readUInt16BE(from + 4),
      );
    });
    // A kernel without IPv6 has no such sockets.
    if (error < 0 && !(family === 10 && error === noSuchFamily)) {
      throw listFailure(`the connections to ${address.text}`, error);
    }
  }
};

/** ENOENT: no handler for the family. */
const noSuchFamily = -2;

/** This machine as a client: by any of its addresses, and 127.0.0.0/8. */
const ownClients = (addresses: readonly IpAddress[]): ((client: Uint8Array) => boolean) => {
  const local = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .map(({ address }) => parseAddress(address.replace(/%.*/, "")));
  const own = new Set([...addresses, ...local].map(({ bytes }) => keyOf(bytes)));
  return (client) => own.has(keyOf(client)) || (client.length === 4 && client[0] === 127);
};

const keyOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
