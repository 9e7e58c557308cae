import assert from "node:assert/strict";
import { getSystemErrorMap } from "node:util";

import type { IpAddress } from "./ip-address.ts";
import { closeSocket, errors, openSocket, receive, send, setOption } from "./native.ts";
import {
  addressDump,
  addressRenewal,
  chainQuery,
  errorOf,
  type KernelAddress,
  type KernelLink,
  linkQuery,
  messageFlags,
  messageTypes,
  type NetlinkMessage,
  parseAddress,
  parseLink,
  parseMessages,
  tableQuery,
} from "./netlink.ts";

const netlinkFamily = 16;
const rawType = 3;
const routeProtocol = 0;
const netfilterProtocol = 12;
const solNetlink = 270;
const strictChecking = 12;

/**
 * Acknowledgements are small but each takes a whole buffer of the socket: some hundred at once
 * would overflow it. And one IPv6 renewal takes the kernel 0.1 ms where there are hundreds of
 * addresses.
 */
export const renewalsAtOnce = 32;

/**
 * Conversations with the kernel that are over when the call returns: rtnetlink does its work inside
 * `sendmsg`, so an answer is there to be read at once and no queue can hold an old command. A call
 * costs some ten microseconds; it waits only where another program holds the kernel's one lock over
 * all network configuration, which every change of an address has to wait for in any case.
 */
export class NetlinkSocket {
  #fd: number;
  readonly #buffer = Buffer.alloc(128 * 1024);
  #sequence = 0;

  constructor(protocol: "route" | "netfilter") {
    const number = protocol === "route" ? routeProtocol : netfilterProtocol;
    this.#fd = openSocket(netlinkFamily, rawType, number);
    if (this.#fd < 0) {
      throw new Error(`Cannot open a netlink socket: ${explain(this.#fd)}`);
    }
    // Lets a dump be narrowed to one interface; kernels before 4.20 refuse and dump everything.
    const on = Buffer.alloc(4);
    on.writeInt32LE(1);
    setOption(this.#fd, solNetlink, strictChecking, on);
  }

  /** Undefined where there is no such interface. A sentence where the kernel did not tell. */
  findLink(name: string): KernelLink | undefined | string {
    const answer = this.#converse((sequence) => linkQuery(sequence, name));
    const found = answer.messages.find((message) => message.type === messageTypes.newLink);
    if (found !== undefined) return parseLink(found.payload);
    if (answer.error === errors.noDevice) return undefined;
    return `Cannot ask the kernel for the interface ${name}: ${explain(answer.error)}`;
  }

  /** For those who need no reason: undefined also where the kernel did not tell. */
  link(name: string): KernelLink | undefined {
    const found = this.findLink(name);
    return typeof found === "string" ? undefined : found;
  }

  /** Every address of an interface; a sentence where the kernel did not tell. */
  addresses(interfaceIndex: number): readonly KernelAddress[] | string {
    for (let attempt = 1; ; attempt += 1) {
      const answer = this.#converse((sequence) => addressDump(sequence, interfaceIndex));
      if (answer.error < 0) {
        return `Cannot list the addresses of interface ${interfaceIndex}: ${explain(answer.error)}`;
      }
      // Addresses changed while they were listed: some may be missing from the list.
      const torn = answer.messages.some((message) => message.flags & messageFlags.dumpInterrupted);
      if (torn && attempt < 3) continue;
      return answer.messages
        .filter((message) => message.type === messageTypes.newAddress)
        .map((message) => parseAddress(message.payload))
        .filter((found) => found !== undefined)
        .filter((found) => found.interfaceIndex === interfaceIndex);
    }
  }

  /** Whether the kernel knows the table; a kernel without nftables does not. */
  table(family: "arp" | "netdev", name: string): boolean {
    return this.#converse((sequence) => tableQuery(sequence, family, name)).messages.length > 0;
  }

  /** Whether a netdev table has the chain. */
  chain(table: string, name: string): boolean {
    return this.#converse((sequence) => chainQuery(sequence, table, name)).messages.length > 0;
  }

  /**
   * Renews the lease of at most `renewalsAtOnce` addresses in one send. Zero when the kernel
   * acknowledged them all, else the first negated errno.
   */
  renew(interfaceIndex: number, addresses: readonly IpAddress[], leaseSeconds: number): number {
    assert(addresses.length <= renewalsAtOnce);
    const renewals = addresses.map((address) =>
      addressRenewal(this.#nextSequence(), interfaceIndex, address, leaseSeconds),
    );
    return this.#acknowledged(Buffer.concat(renewals), renewals.length);
  }

  close(): void {
    closeSocket(this.#fd);
    // The number will soon belong to something else.
    this.#fd = -1;
  }

  #acknowledged(batch: Buffer, count: number): number {
    const sent = send(this.#fd, batch);
    if (sent < 0) return sent;
    const last = this.#sequence;
    let acknowledged = 0;
    while (acknowledged < count) {
      const messages = this.#read();
      if (typeof messages === "number") return messages;
      for (const message of messages) {
        const ofThisBatch = message.sequence > last - count && message.sequence <= last;
        if (message.type !== messageTypes.error || !ofThisBatch) continue;
        acknowledged += 1;
        const error = errorOf(message.payload);
        if (error < 0) return this.#drained(error);
      }
    }
    return 0;
  }

  /** One question and its whole answer. */
  #converse(question: (sequence: number) => Buffer): Answer {
    const sequence = this.#nextSequence();
    const sent = send(this.#fd, question(sequence));
    if (sent < 0) return { messages: [], error: sent };
    const answer: NetlinkMessage[] = [];
    for (;;) {
      const messages = this.#read();
      if (typeof messages === "number") return { messages: answer, error: messages };
      for (const message of messages) {
        if (message.sequence !== sequence) continue;
        if (message.type === messageTypes.done) return { messages: answer, error: 0 };
        if (message.type === messageTypes.error) {
          return { messages: answer, error: errorOf(message.payload) };
        }
        // What is kept outlives the buffer it was read into.
        answer.push({ ...message, payload: Uint8Array.from(message.payload) });
        if (!isPartOfDump(message)) return { messages: answer, error: 0 };
      }
    }
  }

  #read(): readonly NetlinkMessage[] | number {
    const length = receive(this.#fd, this.#buffer);
    return length < 0 ? length : parseMessages(this.#buffer.subarray(0, length));
  }

  #drained(result: number): number {
    while (receive(this.#fd, this.#buffer) >= 0);
    return result;
  }

  #nextSequence(): number {
    this.#sequence = (this.#sequence + 1) >>> 0;
    return this.#sequence;
  }
}

/** A negated errno in words: `EPERM (operation not permitted)`. */
export const explain = (error: number): string => {
  const [name, description] = getSystemErrorMap().get(error) ?? [`error ${-error}`, "unknown"];
  return `${name} (${description})`;
};

interface Answer {
  readonly messages: readonly NetlinkMessage[];
  readonly error: number;
}

const multipart = 2;
const isPartOfDump = (message: NetlinkMessage): boolean => (message.flags & multipart) !== 0;
