import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Strangers } from "../../src/cli/daemon/strangers.ts";
import type { Arrivals } from "../../src/linux/diversion/arrivals.ts";
import { Troubles } from "../../src/linux/troubles.ts";

let kernel: () => Arrivals;
let excluded: (readonly string[])[];
let told: string[];
let strangers: Strangers;

const arrivals = (arrived: readonly string[], direct: readonly string[]): Arrivals => ({
  arrived: new Set(arrived),
  direct: new Set(direct),
});

beforeEach(() => {
  vi.useFakeTimers();
  [excluded, told] = [[], []];
  kernel = () => arrivals(["192.0.2.7"], ["192.0.2.7", "192.0.2.8"]);
  strangers = new Strangers({
    read: async () => kernel(),
    peers: ["203.0.113.11"],
    exclude: (_, addresses) => excluded.push(addresses),
    troubles: new Troubles((trouble) =>
      told.push(trouble.kind === "ended" ? "ended" : trouble.sentence),
    ),
  });
});
afterEach(() => {
  strangers.stop();
  vi.useRealTimers();
});

const later = () => vi.advanceTimersByTimeAsync(500);

test("whoever came by itself only is left out, and this machine and its peer", async () => {
  strangers.leaveOutOf("0123456789ab/0");
  await later();
  expect(excluded[0]).toEqual(expect.arrayContaining(["203.0.113.11", "192.0.2.8", "127.0.0.1"]));
  expect(excluded[0]).not.toContain("192.0.2.7");
});

test("a kernel that cannot be asked is said once, and again when it was well in between", async () => {
  const broken = (): never => {
    throw new Error("no such table");
  };
  const sentence = "Cannot tell whose requests were handed over: no such table";
  kernel = broken;
  strangers.leaveOutOf("0123456789ab/0");
  for (let turn = 0; turn < 5; turn += 1) await later();
  expect(told).toEqual([sentence]);
  kernel = () => arrivals([], []);
  await later();
  kernel = broken;
  await later();
  await later();
  expect(told).toEqual([sentence, "ended", sentence]);
  // A count that is over is nobody's trouble.
  strangers.stop();
  expect(told.at(-1)).toBe("ended");
});
