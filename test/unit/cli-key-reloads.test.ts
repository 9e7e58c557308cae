import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";

import { KeyReloads } from "../../src/cli/daemon/key-reloads.ts";
import { exitCodes, Failure } from "../../src/cli/failure.ts";
import { type KeyRing, keyRing } from "../../src/protocol/keys.ts";

const file = "/etc/failover/key";
const fault = `Cannot use the key file ${file}: line 1 is not 64 hex digits`;

const ringOf = (...ids: readonly number[]): KeyRing =>
  keyRing(ids.map((id) => ({ id, mac: () => new Uint8Array(32) })));

/** An agent whose key file, peer and slowness of the disk are what the test says. */
class Bench {
  /** Oldest first; none: the file has a fault. */
  content: readonly number[] = [1];
  inForce: readonly number[] = [1];
  /** The peer signs with it. */
  signed = 1;
  alert: string | undefined;
  readonly told: string[] = [];
  readonly reloads = new KeyReloads({
    read: async () => {
      const ids = this.content;
      await nextTurn();
      if (ids.length === 0) throw new Failure(exitCodes.usage, fault);
      return ringOf(...ids);
    },
    heart: {
      keys: () => ({ accepted: this.inForce, signed: this.signed }),
      useKeys: (ring) => {
        const ids = ring.map(({ id }) => id);
        if (!ids.includes(this.signed)) return "deaf";
        this.inForce = ids;
        return "used";
      },
    },
    tell: (level, sentence) => this.told.push(`${level}: ${sentence}`),
    report: (sentence) => {
      this.alert = sentence;
    },
  });

  async reload(...ids: readonly number[]): Promise<void> {
    this.content = ids;
    this.reloads.ask();
    for (let turn = 0; turn < 10; turn += 1) await nextTurn();
  }
}

test("keys that are new are accepted, and said with the newest first", async () => {
  const bench = new Bench();
  await bench.reload(1, 2);
  expect(bench.inForce).toEqual([1, 2]);
  expect(bench.told).toEqual(["info: Accepting keys 2, 1"]);
  await bench.reload(1, 2);
  expect(bench.told).toHaveLength(1);
});

test("a file with a fault changes nothing, and is an alert and a line of the history until it is mended", async () => {
  const bench = new Bench();
  await bench.reload();
  const sentence = `${fault}; the keys in use stay`;
  expect(bench.inForce).toEqual([1]);
  expect([bench.alert, bench.told]).toEqual([sentence, [`error: ${sentence}`]]);
  await bench.reload(1);
  expect([bench.alert, bench.told.length]).toEqual([undefined, 1]);
});

test("keys with which the peer would not be heard are not taken", async () => {
  const bench = new Bench();
  await bench.reload(2);
  expect(bench.inForce).toEqual([1]);
  expect(bench.alert).toBe(
    "Cannot accept key 2 alone: the peer signs with key 1, so the keys in use stay; " +
      "keep key 1 in the file until failover key list says that the peer signs with another",
  );
  bench.signed = 2;
  await bench.reload(2);
  expect([bench.inForce, bench.alert]).toEqual([[2], undefined]);
});

test("a file that changes while it is read is read again, and the last one stays", async () => {
  const bench = new Bench();
  bench.content = [1, 2];
  bench.reloads.ask();
  await bench.reload(1, 2, 3);
  expect(bench.inForce).toEqual([1, 2, 3]);
});
