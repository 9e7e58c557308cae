import { isIP } from "node:net";

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
  if (family === 4) return addressOf(Uint8Array.from(text.split("."), Number));
  if (family === 6 && !text.includes("%")) return addressOf(ipv6Bytes(text.toLowerCase()));
  throw new Error(`Cannot use "${text}" as an IP address: it is neither IPv4 nor IPv6`);
};

/** From 4 or 16 bytes of network order, which are copied. */
export const addressOf = (network: Uint8Array): IpAddress => {
  const bytes = Uint8Array.from(network);
  if (bytes.length === 4) return { family: 4, bytes, text: bytes.join(".") };
  if (bytes.length === 16) return { family: 6, bytes, text: ipv6Text(bytes) };
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

const ipv6Bytes = (text: string): Uint8Array => {
  const [head = "", tail] = withoutDottedEnd(text).split("::");
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const gap = Array.from({ length: 8 - front.length - back.length }, () => 0);
  return Uint8Array.from(
    [...front, ...gap, ...back].flatMap((group) => [group >> 8, group & 0xff]),
  );
};

const groups = (text: string): number[] =>
  text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));

/** `::ffff:192.0.2.1` in eight groups. */
const withoutDottedEnd = (text: string): string => {
  const cut = text.lastIndexOf(":") + 1;
  const end = text.slice(cut);
  if (!end.includes(".")) return text;
  const [a = 0, b = 0, c = 0, d = 0] = end.split(".").map(Number);
  return `${text.slice(0, cut)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
};

const ipv6Text = (bytes: Uint8Array): string => {
  const parts = Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  );
  const run = longestZeroRun(parts);
  if (run.length < 2) return parts.join(":");
  const head = parts.slice(0, run.start).join(":");
  const tail = parts.slice(run.start + run.length).join(":");
  return `${head}::${tail}`;
};

const longestZeroRun = (parts: readonly string[]): { start: number; length: number } => {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < parts.length; start += 1) {
    let end = start;
    while (parts[end] === "0") end += 1;
    if (end - start > best.length) best = { start, length: end - start };
  }
  return best;
};
