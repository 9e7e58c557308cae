import { addressOf, hostPrefix, type IpAddress } from "./ip-address.ts";

/**
 * Netlink messages as bytes, in the byte order of the machine, which is little-endian wherever this
 * runs. Pure; sources: linux/netlink.h, linux/rtnetlink.h, linux/if_addr.h, linux/nfnetlink.h.
 *
 *   0        4      6       8          12        16
 *   | length | type | flags | sequence | port id | payload, attributes, padded to 4
 *
 *   attribute:  0        2      4
 *               | length | type | value, padded to 4     (the length leaves the padding out)
 */

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** An address as the kernel has it. `validFor`: seconds left of its lifetime. */
export interface KernelAddress {
  readonly interfaceIndex: number;
  readonly address: IpAddress;
  readonly prefixLength: number;
  readonly validFor: number | "forever";
}

export interface KernelLink {
  readonly index: number;
  readonly name: string;
  /** Twelve hex digits with colons; empty for a device without Ethernet. */
  readonly mac: string;
  readonly up: boolean;
  readonly carrier: boolean;
}

export const messageTypes = {
  error: 2,
  done: 3,
  newLink: 16,
  getLink: 18,
  newAddress: 20,
  getAddress: 22,
  /** NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE. */
  getTable: (10 << 8) | 1,
  /** NFT_MSG_GETCHAIN. */
  getChain: (10 << 8) | 4,
} as const;

export const messageFlags = {
  request: 1,
  ack: 4,
  dumpInterrupted: 0x10,
  replace: 0x100,
  dump: 0x300,
};

const attributes = {
  addressAddress: 1,
  addressLocal: 2,
  addressCacheInfo: 6,
  linkAddress: 1,
  linkName: 3,
  tableName: 1,
  chainTable: 1,
  chainName: 3,
} as const;

const noDuplicateAddressDetection = 2;
const forever = 0xffffffff;
const interfaceFlags = { up: 1, running: 0x40, lowerUp: 0x10000 } as const;
/** NFPROTO_ARP and NFPROTO_NETDEV of linux/netfilter.h. */
const protocolFamilies = { arp: 3, netdev: 5 } as const;

/**
 * Renews the lease of an address, as `ip addr change A/32 dev D valid_lft N preferred_lft N` does.
 * It creates an address that is missing (inet_rtm_newaddr in net/ipv4/devinet.c, inet6_rtm_newaddr
 * in net/ipv6/addrconf.c: both know NLM_F_CREATE only for what it is not), so the caller looks
 * first.
 */
export const addressRenewal = (
  sequence: number,
  interfaceIndex: number,
  address: IpAddress,
  leaseSeconds: number,
): Buffer => {
  const payload = Buffer.alloc(8);
  payload.writeUInt8(address.family === 4 ? 2 : 10, 0);
  payload.writeUInt8(hostPrefix(address), 1);
  payload.writeUInt8(address.family === 4 ? 0 : noDuplicateAddressDetection, 2);
  payload.writeUInt32LE(interfaceIndex, 4);
  const cacheInfo = Buffer.alloc(16);
  cacheInfo.writeUInt32LE(address.family === 4 ? leaseSeconds : 0, 0);
  cacheInfo.writeUInt32LE(leaseSeconds, 4);
  return message(
    messageTypes.newAddress,
    messageFlags.request | messageFlags.replace | messageFlags.ack,
    sequence,
    payload,
    attribute(attributes.addressLocal, address.bytes),
    attribute(attributes.addressAddress, address.bytes),
    attribute(attributes.addressCacheInfo, cacheInfo),
  );
};

/** Asks for one link by its name. */
export const linkQuery = (sequence: number, name: string): Buffer =>
  message(
    messageTypes.getLink,
    messageFlags.request,
    sequence,
    Buffer.alloc(16),
    attribute(attributes.linkName, Buffer.from(`${name}\0`)),
  );

/**
 * Asks for every address of an interface (kernels before 4.20: of all, so the reader filters too).
 */
export const addressDump = (sequence: number, interfaceIndex: number): Buffer => {
  const payload = Buffer.alloc(8);
  payload.writeUInt32LE(interfaceIndex, 4);
  return message(
    messageTypes.getAddress,
    messageFlags.request | messageFlags.dump,
    sequence,
    payload,
  );
};

/** Asks whether a table of nftables exists. */
export const tableQuery = (
  sequence: number,
  family: keyof typeof protocolFamilies,
  name: string,
): Buffer =>
  message(
    messageTypes.getTable,
    messageFlags.request,
    sequence,
    Buffer.from([protocolFamilies[family], 0, 0, 0]),
    attribute(attributes.tableName, Buffer.from(`${name}\0`)),
  );

/** Asks whether a chain of a netdev table exists: it goes with its table, and with its device. */
export const chainQuery = (sequence: number, table: string, name: string): Buffer =>
  message(
    messageTypes.getChain,
    messageFlags.request,
    sequence,
    Buffer.from([protocolFamilies.netdev, 0, 0, 0]),
    attribute(attributes.chainTable, Buffer.from(`${table}\0`)),
    attribute(attributes.chainName, Buffer.from(`${name}\0`)),
  );

/** The messages in what one read brought; stops at the first whose length cannot be true. */
export const parseMessages = (bytes: Buffer): NetlinkMessage[] => {
  const found: NetlinkMessage[] = [];
  let at = 0;
  while (at + 16 <= bytes.length) {
    const length = bytes.readUInt32LE(at);
    if (length < 16 || at + length > bytes.length) break;
    found.push({
      type: bytes.readUInt16LE(at + 4),
      flags: bytes.readUInt16LE(at + 6),
      sequence: bytes.readUInt32LE(at + 8),
      payload: bytes.subarray(at + 16, at + length),
    });
    at += aligned(length);
  }
  return found;
};

/** The errno of an error message, negated as the kernel sends it; zero is an acknowledgement. */
export const errorOf = (payload: Uint8Array): number =>
  payload.length < 4 ? 0 : view(payload).readInt32LE(0);

export const parseAddress = (payload: Uint8Array): KernelAddress | undefined => {
  if (payload.length < 8) return undefined;
  const values = parseAttributes(payload.subarray(8));
  // On a point-to-point link IFA_ADDRESS is the other end; IFA_LOCAL, where it exists, is ours.
  const bytes = values.get(attributes.addressLocal) ?? values.get(attributes.addressAddress);
  if (bytes?.length !== 4 && bytes?.length !== 16) return undefined;
  const cacheInfo = values.get(attributes.addressCacheInfo);
  const valid = cacheInfo && cacheInfo.length >= 8 ? view(cacheInfo).readUInt32LE(4) : forever;
  return {
    interfaceIndex: view(payload).readUInt32LE(4),
    address: addressOf(bytes),
    prefixLength: payload[1] ?? 0,
    validFor: valid === forever ? "forever" : valid,
  };
};

export const parseLink = (payload: Uint8Array): KernelLink | undefined => {
  if (payload.length < 16) return undefined;
  const values = parseAttributes(payload.subarray(16));
  const name = values.get(attributes.linkName);
  if (name === undefined) return undefined;
  const mac = values.get(attributes.linkAddress);
  const flags = view(payload).readUInt32LE(8);
  const has = (bits: number) => (flags & bits) === bits;
  return {
    index: view(payload).readInt32LE(4),
    name: view(name).toString("latin1").replace(/\0.*$/s, ""),
    mac: mac?.length === 6 ? (view(mac).toString("hex").match(/../g)?.join(":") ?? "") : "",
    up: has(interfaceFlags.up),
    carrier: has(interfaceFlags.up | interfaceFlags.running | interfaceFlags.lowerUp),
  };
};

const parseAttributes = (bytes: Uint8Array): Map<number, Uint8Array> => {
  const buffer = view(bytes);
  const values = new Map<number, Uint8Array>();
  let at = 0;
  while (at + 4 <= buffer.length) {
    const length = buffer.readUInt16LE(at);
    if (length < 4 || at + length > buffer.length) break;
    values.set(buffer.readUInt16LE(at + 2) & 0x3fff, buffer.subarray(at + 4, at + length));
    at += aligned(length);
  }
  return values;
};

export const message = (
  type: number,
  flags: number,
  sequence: number,
  ...parts: readonly Uint8Array[]
): Buffer => {
  const header = Buffer.alloc(16);
  const whole = Buffer.concat([header, ...parts]);
  whole.writeUInt32LE(whole.length, 0);
  whole.writeUInt16LE(type, 4);
  whole.writeUInt16LE(flags, 6);
  whole.writeUInt32LE(sequence, 8);
  return whole;
};

export const attribute = (type: number, value: Uint8Array): Buffer => {
  const bytes = Buffer.alloc(aligned(4 + value.length));
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(value, 4);
  return bytes;
};

const aligned = (length: number): number => (length + 3) & ~3;

const view = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
