import { type Beat, noHandover } from "../../src/core/beat.ts";
import { millis } from "../../src/core/time.ts";
import { hmacSha256, pairDigest } from "../../src/linux/hmac.ts";
import type { Envelope, KeptWord } from "../../src/protocol/datagram.ts";
import { type Key, keyRing } from "../../src/protocol/keys.ts";

/** A pair, a key and a beat to vary. */

export const pair = pairDigest("www");
export const key: Key = { id: 1, mac: hmacSha256(Uint8Array.from({ length: 32 }, (_, at) => at)) };
export const ring = keyRing([key]);

export const noKept: KeptWord = { pages: 0, heard: 0, page: undefined };

export const envelope: Envelope = {
  ask: false,
  keys: { signed: 1, newest: 1 },
  session: "00112233445566ff",
  counter: 7,
  path: 1,
  echoes: [
    { session: "8899aabbccddeeff", counters: [2 ** 32 + 5, 0] },
    { session: "0123456789abcdef", counters: [1, 2] },
  ],
  kept: {
    pages: 3,
    heard: 2,
    page: {
      number: 1,
      flows: [
        { address: "192.0.2.10", port: 80, client: "198.51.100.7", clientPort: 40_001 },
        { address: "2001:db8::10", port: 443, client: "2001:db8:7::1", clientPort: 40_002 },
      ],
    },
  },
};

export const beat: Beat = {
  node: "primary",
  role: "holding",
  epoch: 2 ** 40 + 3,
  blind: false,
  first: true,
  present: true,
  able: true,
  released: false,
  diverts: true,
  restarting: false,
  freeze: { on: true, stamp: 12 },
  service: "well",
  network: { carrier: true, peer: false, witness: true },
  lease: millis(2000),
  interval: millis(100),
  deadTime: millis(300.5),
  mac: "02:00:5e:10:00:01",
  configuration: "fedcba9876543210",
  handover: {
    ...noHandover,
    phase: "verifying",
    id: "a1b2c3d4e5f6",
    reason: "42 requests of 10 – proved",
    requests: 42,
    errors: 1,
    span: millis(1500),
    share: 0.05,
    step: 1,
    connections: 7,
  },
};

/** Changes a copy of a datagram and seals it again, as a sender whose program is wrong would. */
export function resealed(datagram: Uint8Array, change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = datagram.slice();
  change(bytes);
  bytes.set(key.mac(bytes.subarray(0, bytes.length - 32)), bytes.length - 32);
  return bytes;
}
