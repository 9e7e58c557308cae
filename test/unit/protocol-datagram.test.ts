import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type Beat, handoverPhases, publicRoles, serviceHealths } from "../../src/core/beat.ts";
import type { Flow } from "../../src/core/diversion.ts";
import { millis } from "../../src/core/time.ts";
import { hmacSha256 } from "../../src/linux/hmac.ts";
import { addressOf } from "../../src/linux/ip-address.ts";
import { datagramBytesMax, type Envelope, type Page } from "../../src/protocol/datagram.ts";
import { decode } from "../../src/protocol/decode.ts";
import { type DropReason, dropReasons } from "../../src/protocol/drop-reason.ts";
import { Encoder } from "../../src/protocol/encode.ts";
import { keyRing, type Mac } from "../../src/protocol/keys.ts";
import { beat, envelope, key, noKept, pair, resealed, ring } from "./protocol-fixtures.ts";

/** Written down by another program, from the layout alone. */
const golden = [
  "666f767201000101", // magic, version, flags, signed with, newest key
  "7c2ecd07f1556484", // pair
  "00112233445566ff", // session
  "0000000000000007", // counter
  "010202", // path, paths, echoes
  "8899aabbccddeeff00000001000000050000000000000000", // the believed session
  "0123456789abcdef00000000000000010000000000000002", // the candidate
  "036e", // first, present, able, frozen, carrier, witness, diverts
  "0602", // holding, well
  "0000010000000003", // epoch
  "000000000000000c", // freeze stamp
  "00000000001e8480", // lease
  "00000000000186a0", // interval
  "00000000000495d4", // deadTime
  "02005e100001", // MAC
  "fedcba9876543210", // configuration
  "08a1b2c3d4e5f6", // verifying, id
  "000000000000002a", // requests
  "0000000000000001", // errors
  "000000000016e360", // span
  "077072696d617279", // node
  "1c3432207265717565737473206f6620313020e280932070726f766564", // reason
  "01f4010000000000000007", // share, step, connections
  "0000000300000002000000010032", // pages, heard, number, length
  "04c000020a0050c63364079c41", // the first flow
  "1020010db800000000000000000000001001bb20010db80007000000000000000000019c42", // the second
  "918f243b3c8ee600d9b6d5f8f7865d2e97482d97ebda8bacf1830fdd0ca809cc", // seal
].join("");

const encoder = new Encoder(pair, ring);
const valid = encoder.encode(envelope, beat).slice();

/** Where the body of `valid` begins: header, and two echoes of two paths. */
const body = 35 + 2 * (8 + 2 * 8);

describe("a datagram", () => {
  it("has the bytes that the layout says", () => {
    expect(Buffer.from(valid).toString("hex")).toBe(golden);
  });

  it("is read as it was written, for every valid beat", () => {
    const numRuns = 2000;
    fc.assert(
      fc.property(envelopes, beats, (someEnvelope, someBeat) => {
        const datagram = encoder.encode(someEnvelope, someBeat);
        expect(datagram.length).toBeLessThanOrEqual(datagramBytesMax);
        expect(decode(datagram, pair, ring)).toEqual({
          kind: "message",
          version: 1,
          envelope: someEnvelope,
          beat: someBeat,
        });
      }),
      { numRuns, seed: 694 },
    );
  });

  it("is no longer than 551 bytes with the longest names, 8 paths and the longest reason", () => {
    const counters = Array.from({ length: 8 }, () => Number.MAX_SAFE_INTEGER);
    const echoes = envelope.echoes.map(({ session }) => ({ session, counters }));
    const longest: Beat = {
      ...beat,
      node: "ä".repeat(32),
      handover: { ...beat.handover, reason: "The access_log is silent. ".repeat(100) },
    };
    const datagram = encoder.encode({ ...envelope, kept: noKept, echoes, path: 7 }, longest);
    expect(datagram.length).toBe(551);
    const read = decode(datagram, pair, ring);
    expect(read.kind === "message" && read.beat.node).toBe(longest.node);
    expect(read.kind === "message" && read.beat.handover.reason).toBe(
      longest.handover.reason.slice(0, 160),
    );
  });

  it("has its reason cut before the code point that does not fit whole", () => {
    const reason = `${"x".repeat(158)}€ and more`;
    const datagram = encoder.encode(envelope, { ...beat, handover: { ...beat.handover, reason } });
    const read = decode(datagram, pair, ring);
    expect(read.kind === "message" && read.beat.handover.reason).toBe("x".repeat(158));
  });

  it("of a later version is read as far as it is known, and names its version", () => {
    const room = new Uint8Array(valid.length + 9);
    room.set(valid);
    const later = resealed(room, (bytes) => {
      bytes[4] = 9;
      bytes[5] = 0xfe;
      bytes.set([1, 2, 3, 4, 5, 6, 7, 8, 9], valid.length - 32);
    });
    expect(decode(later, pair, ring)).toEqual({ kind: "message", version: 9, envelope, beat });
  });

  it("is read from the middle of a larger buffer", () => {
    const pool = new Uint8Array(valid.length + 100).fill(0xaa);
    pool.set(valid, 50);
    const read = decode(pool.subarray(50, 50 + valid.length), pair, ring);
    expect(read.kind).toBe("message");
  });

  it("is refused once any one bit of any byte of it was changed", () => {
    for (let at = 0; at < valid.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const mutated = valid.slice();
        mutated[at] = (mutated[at] ?? 0) ^ (1 << bit);
        expect(decode(mutated, pair, ring).kind, `byte ${at}, bit ${bit}`).toBe("dropped");
      }
    }
  });

  it("is refused once it was cut or continued", () => {
    for (let length = 0; length < valid.length; length += 1) {
      expect(decode(valid.slice(0, length), pair, ring).kind, `${length} bytes`).toBe("dropped");
    }
    expect(decode(Uint8Array.from([...valid, 0]), pair, ring).kind).toBe("dropped");
  });
});

describe("a datagram is refused", () => {
  const otherKey = keyRing([{ id: 1, mac: hmacSha256(new Uint8Array(32)) }]);
  const edited = (at: number, ...bytes: number[]) =>
    resealed(valid, (datagram) => datagram.set(bytes, at));
  const afterNode = body + 90 + beat.node.length;
  const withoutNode = Uint8Array.from([
    ...valid.subarray(0, body + 89),
    0,
    ...valid.subarray(afterNode),
  ]);
  const refused: [DropReason, string, Uint8Array][] = [
    ["length", "of nothing", new Uint8Array(0)],
    ["length", "too short for header and seal", valid.slice(0, 66)],
    ["length", "longer than 1200 bytes", resealed(new Uint8Array(1201), (it) => it.set(valid))],
    ["magic", "that begins with other bytes", edited(0, 0x67)],
    ["version", "of version 0", edited(4, 0)],
    ["pair", "of another pair", edited(15, 0)],
    ["key", "sealed with a key that is not in the ring", edited(6, 2)],
    [
      "seal",
      "sealed with another key of the same id",
      new Encoder(pair, otherKey).encode(envelope, beat),
    ],
    ["malformed", "that ends after its header", resealed(valid.slice(0, 67), () => {})],
    ["malformed", "that ends within its body", resealed(valid.slice(0, body + 60), () => {})],
    ["malformed", "with a counter of 2^53", edited(24, 0, 0x20, 0, 0, 0, 0, 0, 0)],
    ["malformed", "on a path beyond the eighth", edited(32, 8)],
    ["malformed", "with echoes of nine paths", edited(33, 9)],
    ["malformed", "with three echoes", edited(34, 3)],
    ["malformed", "with an echo of 2^53", edited(43, 0, 0x20, 0, 0, 0, 0, 0, 0)],
    ["malformed", "with no role", edited(body + 2, 0)],
    ["malformed", "with an unknown role", edited(body + 2, 8)],
    ["malformed", "with an unknown health", edited(body + 3, 4)],
    ["malformed", "with an epoch of 2^53", edited(body + 4, 0, 0x20, 0, 0, 0, 0, 0, 0)],
    ["malformed", "with an unknown handover phase", edited(body + 58, 200)],
    ["malformed", "without a node", resealed(withoutNode, () => {})],
    ["malformed", "with a node of 65 bytes", edited(body + 89, 65)],
    ["malformed", "with a node that is not UTF-8", edited(body + 90, 0xff)],
    ["malformed", "with a reason of 161 bytes", edited(body + 97, 161)],
    ["malformed", "with a reason beyond its end", edited(body + 97, 29)],
  ];
  it.each(refused)("as %s when it is one %s", (reason, _title, datagram) => {
    expect(decode(datagram, pair, ring)).toEqual({ kind: "dropped", reason });
  });

  it("for every reason that the codec can find; socket and sessions find the others", () => {
    const elsewhere: DropReason[] = ["source", "own", "replay", "replaced", "stranger"];
    const found = new Set([...refused.map(([reason]) => reason), ...elsewhere]);
    expect(found).toEqual(new Set(dropReasons));
  });

  it("before its seal is computed, when the cheap refusals suffice", () => {
    let seals = 0;
    const mac: Mac = (bytes) => {
      seals += 1;
      return key.mac(bytes);
    };
    const counting = keyRing([{ id: 1, mac }]);
    for (const [reason, , datagram] of refused) {
      if (["length", "magic", "version", "pair", "key"].includes(reason)) {
        decode(datagram, pair, counting);
      }
    }
    expect(seals).toBe(0);
    expect(decode(valid, pair, counting).kind).toBe("message");
    expect(seals).toBe(1);
  });
});

describe("the encoder asserts", () => {
  const wrong: [string, () => unknown][] = [
    ["a pair of 8 bytes", () => new Encoder(new Uint8Array(7), ring)],
    [
      "a key of the ring",
      () => encoder.encode({ ...envelope, keys: { signed: 2, newest: 2 } }, beat),
    ],
    ["a session of 16 hex digits", () => encoder.encode({ ...envelope, session: "xyz" }, beat)],
    ["a counter below 2^53", () => encoder.encode({ ...envelope, counter: 2 ** 53 }, beat)],
    ["a path below 8", () => encoder.encode({ ...envelope, path: 8 }, beat)],
    ["at most 8 echoed paths", () => encoder.encode({ ...envelope, echoes: [echoOf(9)] }, beat)],
    [
      "at most 2 echoes",
      () => encoder.encode({ ...envelope, echoes: [1, 1, 1].map(echoOf) }, beat),
    ],
    [
      "echoes of equal length",
      () => encoder.encode({ ...envelope, echoes: [1, 2].map(echoOf) }, beat),
    ],
    ["a whole epoch", () => encoder.encode(envelope, { ...beat, epoch: 1.5 })],
    ["no negative span", () => encoder.encode(envelope, { ...beat, lease: millis(-1) })],
    ["a MAC", () => encoder.encode(envelope, { ...beat, mac: "" })],
    ["a name", () => encoder.encode(envelope, { ...beat, node: "" })],
    [
      "a name of at most 64 bytes",
      () => encoder.encode(envelope, { ...beat, node: "n".repeat(65) }),
    ],
  ];
  const echoOf = (paths: number) => ({
    session: envelope.session,
    counters: Array.from({ length: paths }, () => 1),
  });
  it.each(wrong)("%s", (_title, encode) => {
    expect(encode).toThrow(RangeError);
    expect(encode).toThrow(/^Cannot /);
  });
});

const counts = fc.oneof(fc.maxSafeNat(), fc.nat(5), fc.constant(Number.MAX_SAFE_INTEGER));
const spans = fc.nat(2 ** 31 - 1).map((micros) => millis(micros / 1000));
const hexes = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((some) => Buffer.from(some).toString("hex"));
const texts = (bytesMin: number, bytesMax: number) =>
  fc
    .string({ unit: "binary", maxLength: bytesMax })
    .filter((text) => Buffer.byteLength(text) >= bytesMin && Buffer.byteLength(text) <= bytesMax);

const beats: fc.Arbitrary<Beat> = fc.record({
  node: texts(1, 64),
  role: fc.constantFrom(...publicRoles),
  epoch: counts,
  blind: fc.boolean(),
  first: fc.boolean(),
  present: fc.boolean(),
  able: fc.boolean(),
  released: fc.boolean(),
  diverts: fc.boolean(),
  restarting: fc.boolean(),
  freeze: fc.record({ on: fc.boolean(), stamp: counts }),
  service: fc.constantFrom(...serviceHealths),
  network: fc.record({ carrier: fc.boolean(), peer: fc.boolean(), witness: fc.boolean() }),
  lease: spans,
  interval: spans,
  deadTime: spans,
  mac: hexes(6).map((digits) => (digits.match(/../g) ?? []).join(":")),
  configuration: hexes(8),
  handover: fc.record({
    phase: fc.constantFrom(...handoverPhases),
    id: hexes(6),
    reason: texts(0, 160),
    requests: counts,
    errors: counts,
    span: spans,
    share: fc.nat(10_000).map((units) => units / 10_000),
    step: fc.nat(255),
    connections: counts,
  }),
});

const ports = fc.nat(65_535);
const ip4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => addressOf(bytes).text);
const ip6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => addressOf(bytes).text);
const flowOf = (ip: fc.Arbitrary<string>): fc.Arbitrary<Flow> =>
  fc.record({ address: ip, port: ports, client: ip, clientPort: ports });
const pages: fc.Arbitrary<Page | undefined> = fc.option(
  fc.record({
    number: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    flows: fc.array(fc.oneof(flowOf(ip4), flowOf(ip6)), { maxLength: 15 }),
  }),
  { nil: undefined },
);
const keptWords = fc.record({
  pages: fc.nat(2 ** 31 - 1),
  heard: fc.nat(2 ** 31 - 1),
  page: pages,
});

const envelopes: fc.Arbitrary<Envelope> = fc.nat(8).chain((paths) =>
  fc.record({
    ask: fc.boolean(),
    keys: fc.record({ signed: fc.constant(1), newest: fc.nat(255) }),
    session: hexes(8),
    counter: counts,
    path: fc.nat(7),
    echoes: fc.array(
      fc.record({
        session: hexes(8),
        counters: fc.array(counts, { minLength: paths, maxLength: paths }),
      }),
      { maxLength: 2 },
    ),
    kept: keptWords,
  }),
);
