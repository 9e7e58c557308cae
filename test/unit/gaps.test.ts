import { expect, it } from "vitest";

import { Gaps } from "../../src/agent/gaps.ts";
import { instant } from "../../src/core/time.ts";
import { Wire } from "./agent-wire.ts";

/** Beats on path 0 at these times, in milliseconds. */
function heardAt(...times: number[]): Gaps {
  const gaps = new Gaps(2);
  for (const time of times) gaps.heard(0, instant(time));
  return gaps;
}

/** `count` gaps of `gap` milliseconds each, then the further gaps. */
function gapsOf(count: number, gap: number, ...further: number[]): Gaps {
  const times = Array.from({ length: count + 1 }, (_, index) => index * gap);
  for (const longer of further) times.push((times.at(-1) ?? 0) + longer);
  return heardAt(...times);
}

it("nothing is known before two beats", () => {
  expect(heardAt(5).byPath[0]).toMatchObject({ longest: undefined, deadTimeAllowed: undefined });
});

it("the longest gap is told exactly", () => {
  expect(heardAt(0, 100, 181.25, 300, 400).byPath[0]?.longest).toBe(118.75);
  expect(heardAt(0, 0).byPath[0]?.longest).toBe(0);
});

it("the deadTime allowed is half as much again as the longest gap, in whole steps of 10 ms", () => {
  expect(gapsOf(999, 80, 120.1).byPath[0]?.deadTimeAllowed).toBe(190);
  expect(gapsOf(999, 80, 120).byPath[0]?.deadTimeAllowed).toBe(180);
});

it("fewer than 1000 gaps allow no statement about deadTime", () => {
  expect(gapsOf(998, 80, 120).byPath[0]?.deadTimeAllowed).toBeUndefined();
});

it("a silence of more than 10 s is an outage and no gap", () => {
  const [gaps] = gapsOf(998, 80, 10_001, 10_000).byPath;
  expect(gaps).toMatchObject({ longest: 10_000, deadTimeAllowed: undefined });
  expect(gapsOf(999, 80, 10_001, 10_000).byPath[0]?.deadTimeAllowed).toBe(15_000);
});

it("each path has its own gaps", () => {
  const gaps = new Gaps(2);
  for (let now = 0; now <= 1000; now += 100) gaps.heard(now % 1000 === 0 ? 1 : 0, instant(now));
  expect(gaps.byPath.map(({ longest }) => longest)).toEqual([100, 1000]);
});

it("a silence that is skipped is not counted", () => {
  const gaps = heardAt(0, 100);
  gaps.skip();
  gaps.heard(0, instant(5000));
  gaps.heard(0, instant(5100));
  expect(gaps.byPath[0]?.longest).toBe(100);
});

it("an agent that hung counts no gap, and the one that missed its beats does", () => {
  const wire = new Wire();
  wire.settle();
  wire.pass(250, wire.backup);
  wire.pass(1000);
  expect(wire.backup.gaps.byPath[0]?.longest).toBeLessThanOrEqual(100);
  expect(wire.primary.gaps.byPath[0]?.longest).toBeGreaterThanOrEqual(250);
});
