import type { MacAddress } from "../core/beat.ts";
import { addressOf, type IpAddress } from "./ip-address.ts";

/**
 * ARP and neighbour discovery on the wire: frames in, what they say out. Pure; bytes from the
 * network are hostile, so lengths come first and whatever is not understood is nothing.
 *
 * ARP over Ethernet, RFC 826, all in network order:
 *
 *   0        6        12    14    16    18  19  20    22        28        32        38        42
 *   | to     | from   | 0806| 0001| 0800| 6 | 4 | op  | sender  | sender  | target  | target  |
 *   | MAC    | MAC    |     |     |     |   |   | 1/2 | MAC     | IPv4    | MAC     | IPv4    |
 *
 * Neighbour discovery, RFC 4861, in an IPv6 packet without extension headers:
 *
 *   0         14             18       20   21    22       38            54
 *   | Ethernet | 6, class, .. | length | 3a | 255 | source | destination |
 *   | .. 86dd  |              |        |    |     | IPv6   | IPv6        |
 *
 *   54        55   56         58      62            78
 *   | 87 or 88 | 00 | checksum | flags | target IPv6 | 01 or 02, 01, MAC |
 *
 * 87 (135) is a solicitation, 88 (136) an advertisement. The option is 01 (source) in the first and
 * 02 (target) in the second, and absent from a solicitation whose source is `::` (RFC 4862, 5.4.2).
 */

export type NeighbourMessage =
  | {
      readonly kind: "arp-request" | "arp-reply";
      readonly from: MacAddress;
      readonly sender: IpAddress;
      readonly target: IpAddress;
    }
  | { readonly kind: "solicitation"; readonly from: MacAddress; readonly target: IpAddress }
  | {
      readonly kind: "advertisement";
      readonly from: MacAddress;
      readonly target: IpAddress;
      readonly solicited: boolean;
    };

export const broadcastMac: MacAddress = "ff:ff:ff:ff:ff:ff";

const arpFrameLength = 42;
const neighbourFrameLength = 78;
const allNodes = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const noMac = new Uint8Array(6);
const flags = { router: 0x80, solicited: 0x40, override: 0x20 } as const;

/** What a frame says of neighbours; undefined for everything else and everything broken. */
export const parseFrame = (frame: Uint8Array): NeighbourMessage | undefined => {
  if (frame.length < 14) return undefined;
  const protocol = word(frame, 12);
  if (protocol === 0x0806) return parseArp(frame);
  return protocol === 0x86dd ? parseNeighbourDiscovery(frame) : undefined;
};

/**
 * Who has `target`? With the sender 0.0.0.0 it is a probe (RFC 5227): it changes nobody's table.
 */
export const arpRequest = (
  mac: MacAddress,
  sender: IpAddress | "probe",
  target: IpAddress,
  to: MacAddress = broadcastMac,
): Uint8Array =>
  arpFrame(1, to, mac, sender === "probe" ? new Uint8Array(4) : sender.bytes, noMac, target.bytes);

/** Gratuitous ARP: both forms, because some switches and hosts heed only the one or the other. */
export const gratuitousRequest = (mac: MacAddress, address: IpAddress): Uint8Array =>
  arpFrame(1, broadcastMac, mac, address.bytes, noMac, address.bytes);

export const gratuitousReply = (mac: MacAddress, address: IpAddress): Uint8Array =>
  arpFrame(2, broadcastMac, mac, address.bytes, macBytes(mac), address.bytes);

/**
 * Who has `target`? To its solicited-node group. With the source `::` it is the form of duplicate
 * address detection: it leaves no trace at the neighbour, and the answer goes to everybody.
 */
export const neighbourSolicitation = (
  mac: MacAddress,
  source: IpAddress | "probe",
  target: IpAddress,
  to: MacAddress = multicastMac(solicitedNode(target)),
): Uint8Array => {
  const option = source === "probe" ? undefined : { kind: 1, mac };
  const from = source === "probe" ? new Uint8Array(16) : source.bytes;
  return neighbourFrame(135, to, mac, from, solicitedNode(target), 0, target.bytes, option);
};

/**
 * "The address is at my MAC now, whatever you knew": unsolicited, override, from the address
 * itself.
 */
export const unsolicitedAdvertisement = (
  mac: MacAddress,
  address: IpAddress,
  router: boolean,
): Uint8Array =>
  neighbourFrame(
    136,
    multicastMac(allNodes),
    mac,
    address.bytes,
    allNodes,
    flags.override | (router ? flags.router : 0),
    address.bytes,
    { kind: 2, mac },
  );

/**
 * "The address is at `holder`", told to one neighbour by another machine: gratuitous, because Linux heeds a
 * plain reply only a second after the entry's last change. The frame comes from our own MAC: a switch would
 * otherwise take the holder to be at our port.
 */
export const correction = (
  mac: MacAddress,
  holder: MacAddress,
  address: IpAddress,
  neighbour: MacAddress,
): Uint8Array => {
  const frame =
    address.family === 4
      ? arpFrame(1, neighbour, holder, address.bytes, noMac, address.bytes)
      : neighbourFrame(
          136,
          neighbour,
          holder,
          address.bytes,
          allNodes,
          flags.override,
          address.bytes,
          { kind: 2, mac: holder },
        );
  frame.set(macBytes(mac), 6);
  return frame;
};

/** RFC 1071 over the pseudo-header of RFC 8200 and the message, whose own checksum field counts. */
export const icmpv6Checksum = (
  source: Uint8Array,
  destination: Uint8Array,
  message: Uint8Array,
): number => {
  let sum = message.length + 58;
  for (const part of [source, destination, message]) {
    for (let at = 0; at < part.length; at += 2) sum += word(part, at);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
};

const macText = (bytes: Uint8Array): MacAddress =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");

const macBytes = (mac: MacAddress): Uint8Array =>
  Uint8Array.from(mac.split(":"), (part) => Number.parseInt(part, 16));

const parseArp = (frame: Uint8Array): NeighbourMessage | undefined => {
  if (frame.length < arpFrameLength) return undefined;
  const ethernetAndIpv4 =
    word(frame, 14) === 1 && word(frame, 16) === 0x0800 && frame[18] === 6 && frame[19] === 4;
  const operation = word(frame, 20);
  if (!ethernetAndIpv4 || (operation !== 1 && operation !== 2)) return undefined;
  return {
    kind: operation === 1 ? "arp-request" : "arp-reply",
    from: macText(frame.subarray(22, 28)),
    sender: addressOf(frame.subarray(28, 32)),
    target: addressOf(frame.subarray(38, 42)),
  };
};

const parseNeighbourDiscovery = (frame: Uint8Array): NeighbourMessage | undefined => {
  if (frame.length < neighbourFrameLength) return undefined;
  const length = word(frame, 18);
  // Hop limit 255 proves that no router passed it on (RFC 4861, 7.1): nobody off the link can forge
  // it.
  const fromTheLink = frame[20] === 58 && frame[21] === 255 && frame[55] === 0;
  if (!fromTheLink || length < 24 || frame.length < 54 + length) return undefined;
  const message = frame.subarray(54, 54 + length);
  if (icmpv6Checksum(frame.subarray(22, 38), frame.subarray(38, 54), message) !== 0)
    return undefined;
  const target = addressOf(frame.subarray(62, 78));
  const from = linkLayerOption(message) ?? macText(frame.subarray(6, 12));
  if (frame[54] === 135) return { kind: "solicitation", from, target };
  if (frame[54] !== 136) return undefined;
  const solicited = ((frame[58] ?? 0) & flags.solicited) !== 0;
  return { kind: "advertisement", from, target, solicited };
};

/** The MAC in a source or target link-layer option: options come in units of eight bytes. */
const linkLayerOption = (message: Uint8Array): MacAddress | undefined => {
  let at = 24;
  while (at + 8 <= message.length) {
    const kind = message[at];
    const length = (message[at + 1] ?? 0) * 8;
    if (length === 0) return undefined;
    if ((kind === 1 || kind === 2) && length === 8)
      return macText(message.subarray(at + 2, at + 8));
    at += length;
  }
  return undefined;
};

const arpFrame = (
  operation: 1 | 2,
  to: MacAddress,
  mac: MacAddress,
  sender: Uint8Array,
  targetMac: Uint8Array,
  target: Uint8Array,
): Uint8Array => {
  const frame = ethernet(to, mac, 0x0806, arpFrameLength);
  frame.set([0, 1, 8, 0, 6, 4, 0, operation], 14);
  frame.set(macBytes(mac), 22);
  frame.set(sender, 28);
  frame.set(targetMac, 32);
  frame.set(target, 38);
  return frame;
};

const neighbourFrame = (
  type: 135 | 136,
  to: MacAddress,
  mac: MacAddress,
  source: Uint8Array,
  destination: Uint8Array,
  flag: number,
  target: Uint8Array,
  option: { readonly kind: number; readonly mac: MacAddress } | undefined,
): Uint8Array => {
  const length = option === undefined ? 24 : 32;
  const frame = ethernet(to, mac, 0x86dd, 54 + length);
  frame.set([0x60, 0, 0, 0, 0, length, 58, 255], 14);
  frame.set(source, 22);
  frame.set(destination, 38);
  frame[54] = type;
  frame[58] = flag;
  frame.set(target, 62);
  if (option !== undefined) frame.set([option.kind, 1, ...macBytes(option.mac)], 78);
  const checksum = icmpv6Checksum(source, destination, frame.subarray(54));
  frame.set([checksum >> 8, checksum & 0xff], 56);
  return frame;
};

const ethernet = (
  to: MacAddress,
  from: MacAddress,
  protocol: number,
  length: number,
): Uint8Array => {
  const frame = new Uint8Array(length);
  frame.set(macBytes(to), 0);
  frame.set(macBytes(from), 6);
  frame.set([protocol >> 8, protocol & 0xff], 12);
  return frame;
};

/** ff02::1:ffXX:XXXX, the last three bytes of the address (RFC 4291, 2.7.1). */
const solicitedNode = (address: IpAddress): Uint8Array => {
  const group = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0);
  group.set(address.bytes.subarray(13), 13);
  return group;
};

/** 33:33 and the last four bytes of the group (RFC 2464, 7). */
const multicastMac = (group: Uint8Array): MacAddress =>
  macText(Uint8Array.of(0x33, 0x33, ...group.subarray(12)));

const word = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
