import fc from "fast-check";
import { expect, it } from "vitest";

import {
  arpRequest,
  gratuitousReply,
  gratuitousRequest,
  icmpv6Checksum,
  neighbourSolicitation,
  parseFrame,
  unsolicitedAdvertisement,
} from "../../src/linux/frames.ts";
import { parseAddress } from "../../src/linux/ip-address.ts";

const mac = "02:00:00:00:00:11";
const other = "02:00:00:00:00:12";
const v4 = parseAddress("192.0.2.10");
const own = parseAddress("192.0.2.11");
const v6 = parseAddress("2001:db8::a:b10c");
/** Hexadecimal digits, spaced for the reader. */
const tight = (spaced: string): string => spaced.replaceAll(/\s/g, "");
const hex = (frame: Uint8Array): string => Buffer.from(frame).toString("hex");

it("an ARP probe asks with the sender 0.0.0.0 and targets nobody's MAC (RFC 5227)", () => {
  expect(hex(arpRequest(mac, "probe", v4))).toBe(
    tight(`ffffffffffff 020000000011 0806 0001 0800 06 04 0001
      020000000011 00000000 000000000000 c000020a`),
  );
  expect(hex(arpRequest(mac, "probe", v4, other)).slice(0, 12)).toBe("020000000012");
});

it("gratuitous ARP names the address as sender and target in both forms", () => {
  expect(hex(gratuitousRequest(mac, v4))).toBe(
    tight(`ffffffffffff 020000000011 0806 0001 0800 06 04 0001
      020000000011 c000020a 000000000000 c000020a`),
  );
  expect(hex(gratuitousReply(mac, v4))).toBe(
    tight(`ffffffffffff 020000000011 0806 0001 0800 06 04 0002
      020000000011 c000020a 020000000011 c000020a`),
  );
});

it("a solicitation as a probe comes from :: to the solicited-node group, without an option", () => {
  const text = hex(neighbourSolicitation(mac, "probe", v6));
  expect(text.slice(0, 112)).toBe(
    tight(`3333ff0ab10c 020000000011 86dd 60000000 0018 3a ff
      00000000000000000000000000000000 ff0200000000000000000001ff0ab10c 87 00`),
  );
  expect(text.slice(116)).toBe(tight("00000000 20010db80000000000000000000ab10c"));
});

it("an unsolicited advertisement overrides, comes from the address and goes to all nodes", () => {
  const text = hex(unsolicitedAdvertisement(mac, v6, false));
  expect(text.slice(0, 12)).toBe("333300000001");
  expect(text.slice(44, 76)).toBe(Buffer.from(v6.bytes).toString("hex"));
  expect(text.slice(76, 108)).toBe("ff020000000000000000000000000001");
  expect(text.slice(108, 112)).toBe("8800");
  expect(text.slice(116, 124)).toBe("20000000");
  expect(text.slice(156)).toBe("0201020000000011");
  expect(hex(unsolicitedAdvertisement(mac, v6, true)).slice(116, 124)).toBe("a0000000");
});

it("the checksum is that of RFC 4443: a message with it sums up to zero", () => {
  const frame = unsolicitedAdvertisement(mac, v6, false);
  const parts = [frame.subarray(22, 38), frame.subarray(38, 54), frame.subarray(54)] as const;
  expect(icmpv6Checksum(...parts)).toBe(0);
  frame[60] = (frame[60] ?? 0) ^ 1;
  expect(icmpv6Checksum(...parts)).not.toBe(0);
});

it("what is built is understood", () => {
  expect(parseFrame(arpRequest(mac, own, v4))).toEqual({
    kind: "arp-request",
    from: mac,
    sender: own,
    target: v4,
  });
  expect(parseFrame(gratuitousReply(mac, v4))).toMatchObject({ kind: "arp-reply", sender: v4 });
  expect(parseFrame(neighbourSolicitation(mac, v6, v6))).toEqual({
    kind: "solicitation",
    from: mac,
    target: v6,
  });
  expect(parseFrame(unsolicitedAdvertisement(mac, v6, true))).toEqual({
    kind: "advertisement",
    from: mac,
    target: v6,
    solicited: false,
  });
});

it("a frame padded to Ethernet's sixty bytes says the same", () => {
  const padded = new Uint8Array(60);
  padded.set(gratuitousReply(mac, v4));
  expect(parseFrame(padded)).toEqual(parseFrame(gratuitousReply(mac, v4)));
});

it("what came through a router, or was damaged, is not believed", () => {
  const damaged = (at: number, value: number): Uint8Array => {
    const frame = unsolicitedAdvertisement(mac, v6, false);
    frame[at] = value;
    return frame;
  };
  expect(parseFrame(damaged(21, 254))).toBe(undefined);
  expect(parseFrame(damaged(70, 99))).toBe(undefined);
  expect(parseFrame(damaged(55, 1))).toBe(undefined);
  expect(parseFrame(damaged(20, 6))).toBe(undefined);
});

it("a truncated frame is nothing, whatever its length field says", () => {
  for (const whole of [gratuitousRequest(mac, v4), unsolicitedAdvertisement(mac, v6, false)]) {
    for (let length = 0; length < whole.length; length += 1) {
      expect(parseFrame(whole.subarray(0, length))).toBe(undefined);
    }
  }
});

it("no bytes from the network throw", () => {
  const prefixes = fc.constantFrom(
    new Uint8Array(0),
    gratuitousRequest(mac, v4),
    unsolicitedAdvertisement(mac, v6, false),
  );
  const damage = fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 6 });
  fc.assert(
    fc.property(prefixes, damage, fc.uint8Array({ maxLength: 60 }), (prefix, hits, tail) => {
      const frame = Uint8Array.of(...prefix, ...tail);
      for (const [at, value] of hits) if (at < frame.length) frame[at] = value;
      parseFrame(frame);
    }),
    { numRuns: 3000 },
  );
});
