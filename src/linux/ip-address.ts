import { isIP } from "node:net";

import { ipBytes, ipText } from "../protocol/ip-bytes.ts";

/**
 * An IPv4 or IPv6 address: its bytes for the wire, its one canonical text for comparing and
 * printing.
 */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly bytes: Uint8Array;
  /** As `ip` prints it: RFC 5952 for IPv6. Two addresses are the same when their texts are. */
  readonly text: string;
}

/**
 * Throws for anything that is not an address: what comes from the configuration was validated
 * before.
 */
export const parseAddress = (text: string): IpAddress => {
  const family = isIP(text);
  if (family !== 0 && !text.includes("%")) return addressOf(ipBytes(text.toLowerCase()));
  throw new Error(`Cannot use "${text}" as an IP address: it is neither IPv4 nor IPv6`);
};

/** From 4 or 16 bytes of network order, which are copied. */
export const addressOf = (network: Uint8Array): IpAddress => {
  const bytes = Uint8Array.from(network);
  if (bytes.length === 4) return { family: 4, bytes, text: ipText(bytes) };
  if (bytes.length === 16) return { family: 6, bytes, text: ipText(bytes) };
  throw new Error(`Cannot make an IP address of ${bytes.length} bytes: 4 or 16 are needed`);
};

/** /32 or /128: the only prefix length an address of the pair ever has. */
export const hostPrefix = (address: IpAddress): number => address.bytes.length * 8;

/** Whether both are in one network of `prefixLength` bits. */
export const sameNetwork = (one: IpAddress, other: IpAddress, prefixLength: number): boolean => {
  if (one.family !== other.family) return false;
  for (let bit = 0; bit < prefixLength; bit += 8) {
    const kept = Math.min(8, prefixLength - bit);
    const mask = (0xff << (8 - kept)) & 0xff;
    if (((byteAt(one, bit / 8) ^ byteAt(other, bit / 8)) & mask) !== 0) return false;
  }
  return true;
};

export const isLinkLocal = (address: IpAddress): boolean =>
  address.family === 6 && byteAt(address, 0) === 0xfe && (byteAt(address, 1) & 0xc0) === 0x80;

const byteAt = (address: IpAddress, index: number): number => address.bytes[index] ?? 0;
