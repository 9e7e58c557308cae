import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { expect, it } from "vitest";

import { decode } from "../../src/protocol/decode.ts";
import { Encoder } from "../../src/protocol/encode.ts";
import { beat, envelope, pair, resealed, ring } from "./protocol-fixtures.ts";

/** FUZZ_DATAGRAMS=1000000 for a long run; the seed is fixed, so that a fault is found again. */
const datagrams = Number(process.env["FUZZ_DATAGRAMS"] ?? 20_000);
setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");
const seed = 20_260_694;

it(`takes ${datagrams} random and mutated datagrams without an exception or a leak`, () => {
  const valid = new Encoder(pair, ring).encode(envelope, beat).slice();
  const tally = { message: 0, dropped: 0 };
  const feed = (count: number, random: () => number) => {
    for (let fed = 0; fed < count; fed += 1) {
      tally[decode(someDatagram(valid, random), pair, ring).kind] += 1;
    }
  };

  feed(Math.max(20_000, datagrams / 10), randomFrom(seed - 1));
  tally.message = 0;
  tally.dropped = 0;
  const before = heapInUse();
  feed(datagrams, randomFrom(seed));
  const growth = heapInUse() - before;

  console.log(
    `seed ${seed}: ${datagrams} datagrams, ${tally.message} messages, ${tally.dropped} dropped, ` +
      `heap ${growth >= 0 ? "+" : ""}${Math.round(growth / 1024)} KiB`,
  );
  expect(tally.message + tally.dropped).toBe(datagrams);
  // Some mutations must get past the seal, or the parser behind it was never tried.
  expect(tally.message).toBeGreaterThan(datagrams / 100);
  expect(growth).toBeLessThan(4 * 2 ** 20);
});

/**
 * A fifth noise, a fifth noise with a true header, a fifth mutated, the rest mutated and sealed
 * again.
 */
function someDatagram(valid: Uint8Array, random: () => number): Uint8Array {
  const kind = random();
  const noise = () => Uint8Array.from({ length: random() * 1300 }, () => random() * 256);
  if (kind < 0.2) return noise();
  if (kind < 0.4) {
    const headed = noise();
    headed.set(valid.subarray(0, Math.min(headed.length, 16)));
    return headed.length > 80 ? resealed(headed, () => {}) : headed;
  }
  if (kind < 0.6) return mutated(valid.slice(), random);
  const length = random() < 0.7 ? valid.length : 16 + 32 + Math.floor(random() * valid.length);
  const stretched = new Uint8Array(length);
  stretched.set(valid.subarray(0, length));
  return resealed(stretched, (bytes) => mutated(bytes.subarray(16, -32), random));
}

function mutated(bytes: Uint8Array, random: () => number): Uint8Array {
  for (let changes = Math.ceil(random() * 4); changes > 0; changes -= 1) {
    bytes[Math.floor(random() * bytes.length)] = random() * 256;
  }
  return bytes;
}

/** What is still reachable: garbage is collected first. */
function heapInUse(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** Mulberry32: small, seeded, good enough to fuzz with. */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
