import fc from "fast-check";
import { expect, it } from "vitest";

import { addressOf, parseAddress as ip } from "../../src/linux/ip-address.ts";
import {
  addressDump,
  addressRenewal,
  errorOf,
  linkQuery,
  parseAddress,
  parseLink,
  parseMessages,
  tableQuery,
} from "../../src/linux/netlink.ts";

/** Hexadecimal digits, spaced for the reader. */
const tight = (spaced: string): string => spaced.replaceAll(/\s/g, "");

// The renewals are, but for the sequence number, what strace saw `ip addr change` of iproute2 6.1
// send.

it("a renewal is the message of ip addr change, replace and acknowledge", () => {
  expect(addressRenewal(7, 3, ip("10.9.9.9"), 2).toString("hex")).toBe(
    tight(`3c000000 1400 0501 07000000 00000000  02 20 00 00 03000000
      0800 0200 0a090909  0800 0100 0a090909
      1400 0600 02000000 02000000 00000000 00000000`),
  );
});

it("IPv6 is renewed without duplicate address detection and never preferred", () => {
  expect(addressRenewal(8, 3, ip("fd99::9"), 2).toString("hex")).toBe(
    tight(`54000000 1400 0501 08000000 00000000  0a 80 02 00 03000000
      1400 0200 fd990000000000000000000000000009
      1400 0100 fd990000000000000000000000000009
      1400 0600 00000000 02000000 00000000 00000000`),
  );
});

it("questions carry the name with its zero, padded to four", () => {
  expect(linkQuery(1, "eth0").toString("hex")).toBe(
    tight(`2c000000 1200 0100 01000000 00000000
      00000000 00000000 00000000 00000000  0900 0300 6574683000 000000`),
  );
  expect(addressDump(2, 3).toString("hex")).toBe(
    tight("18000000 1600 0103 02000000 00000000  00 00 00 00 03000000"),
  );
  expect(tableQuery(3, "arp", "abc").toString("hex")).toBe(
    tight("1c000000 010a 0100 03000000 00000000  03 00 0000  0800 0100 61626300"),
  );
});

it("an address is read with its lifetime; without one, or with all bits set, it has no end", () => {
  const payload = addressRenewal(7, 3, ip("10.9.9.9"), 2).subarray(16);
  expect(parseAddress(payload)).toEqual({
    interfaceIndex: 3,
    address: ip("10.9.9.9"),
    prefixLength: 32,
    validFor: 2,
  });
  const unlimited = Buffer.from(payload);
  unlimited.writeUInt32LE(0xffffffff, unlimited.length - 12);
  expect(parseAddress(unlimited)?.validFor).toBe("forever");
  expect(parseAddress(payload.subarray(0, 16))?.validFor).toBe("forever");
});

it("of a point-to-point link the local end counts, not the peer", () => {
  const payload = tight("02 20 00 00 05000000  0800 0100 0a000002  0800 0200 0a000001");
  expect(parseAddress(Buffer.from(payload, "hex"))?.address.text).toBe("10.0.0.1");
});

it("a link has carrier when it is up, running and its lower layer is up", () => {
  const link = (flags: number) => {
    const attributes = "0900 0300 6574683000 000000  0a00 0100 020000000011 0000";
    const payload = Buffer.from(tight(`00000100 03000000 00000000 00000000  ${attributes}`), "hex");
    payload.writeUInt32LE(flags, 8);
    return parseLink(payload);
  };
  expect(link(0x11043)).toEqual({
    index: 3,
    name: "eth0",
    mac: "02:00:00:00:00:11",
    up: true,
    carrier: true,
  });
  expect(link(0x1003)).toMatchObject({ up: true, carrier: false });
  expect(link(0x11003)).toMatchObject({ up: true, carrier: false });
  expect(link(0x1002)).toMatchObject({ up: false, carrier: false });
});

it("several messages in one read are told apart, and a broken length ends the reading", () => {
  const two = Buffer.concat([linkQuery(1, "abcde"), addressDump(2, 3)]);
  expect(parseMessages(two).map(({ sequence }) => sequence)).toEqual([1, 2]);
  expect(parseMessages(two.subarray(0, two.length - 1))).toHaveLength(1);
  two.writeUInt32LE(7, 0);
  expect(parseMessages(two)).toEqual([]);
});

it("an error is the negated errno, and zero an acknowledgement", () => {
  expect(errorOf(Buffer.from("edffffff00000000", "hex"))).toBe(-19);
  expect(errorOf(Buffer.alloc(20))).toBe(0);
});

it("no bytes throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const buffer = Buffer.from(bytes);
      parseMessages(buffer);
      parseAddress(buffer);
      parseLink(buffer);
      errorOf(buffer);
    }),
  );
});

it("addresses are the same when their texts are, however they were written", () => {
  const same: readonly (readonly [string, string])[] = [
    ["2001:DB8:0:0::0:1", "2001:db8::1"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["fe80:0:0:1::", "fe80:0:0:1::"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
    ["::ffff:192.0.2.1", "::ffff:c000:201"],
    ["192.0.2.1", "192.0.2.1"],
  ];
  for (const [written, canonical] of same) expect(ip(written).text).toBe(canonical);
  fc.assert(
    fc.property(fc.ipV6(), (written) => {
      const address = ip(written);
      expect(ip(address.text)).toEqual(address);
      expect(addressOf(address.bytes)).toEqual(address);
    }),
  );
});
