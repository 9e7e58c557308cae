import { expect, it } from "vitest";

import { Gaps } from "../../src/agent/gaps.ts";
import { instant } from "../../src/core/time.ts";

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
  const unknown = {
    longest: undefined,
    usual: undefined,
    rare: undefined,
    deadTimeAllowed: undefined,
  };
  expect(heardAt(5).together.report()).toEqual({ gaps: 0, silences: 0, ...unknown });
});

it("the longest gap is told exactly, with the instant at which it ended", () => {
  const { longest } = heardAt(0, 100, 181.25, 300, 400).together.report();
  expect(longest).toEqual({ gap: 118.75, endedAt: instant(300) });
});

it("the deadTime allowed is half as much again as the longest gap, in whole steps of 10 ms", () => {
  expect(gapsOf(999, 80, 120.1).together.report().deadTimeAllowed).toBe(190);
  expect(gapsOf(999, 80, 120).together.report().deadTimeAllowed).toBe(180);
});

it("fewer than 1000 gaps allow no statement about deadTime", () => {
  expect(gapsOf(998, 80, 120).together.report().deadTimeAllowed).toBeUndefined();
});

it("a silence of more than 10 s is an outage and no gap", () => {
  const report = gapsOf(1000, 80, 10_001, 10_000).together.report();
  expect(report).toMatchObject({ gaps: 1001, silences: 1, longest: { gap: 10_000 } });
});

it("the usual and the rare gap are known to 19 %", () => {
  const { usual, rare } = gapsOf(
    9_980,
    90,
    ...Array.from({ length: 20 }, () => 400),
  ).together.report();
  expect(usual).toBeGreaterThanOrEqual(90);
  expect(usual).toBeLessThanOrEqual(90 * 1.19);
  expect(rare).toBeGreaterThanOrEqual(400);
  expect(rare).toBeLessThanOrEqual(400 * 1.19);
});

it("gaps at the ends of the scale are counted too", () => {
  const gaps = heardAt(0, 0, 0.01, 1.01, 10_001.01);
  expect(gaps.together.report()).toMatchObject({ gaps: 4, longest: { gap: 10_000 }, usual: 1 });
});

it("a silent path has its own gap, while all paths together have none", () => {
  const gaps = new Gaps(2);
  for (let now = 0; now <= 1000; now += 100) gaps.heard(now % 1000 === 0 ? 1 : 0, instant(now));
  expect(gaps.together.report().longest?.gap).toBe(100);
  expect(gaps.byPath[0]?.report().longest?.gap).toBe(100);
  expect(gaps.byPath[1]?.report().longest?.gap).toBe(1000);
});

it("a silence that is skipped is not counted, on any path", () => {
  const gaps = heardAt(0, 100);
  gaps.skip();
  gaps.heard(0, instant(5000));
  gaps.heard(0, instant(5100));
  expect(gaps.together.report()).toMatchObject({ gaps: 2, longest: { gap: 100 } });
  expect(gaps.byPath[0]?.report()).toMatchObject({ gaps: 2, longest: { gap: 100 } });
});
