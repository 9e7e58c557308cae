import { describe, expect, test } from "vitest";

import { firstSecond, LastMinute } from "../../src/traffic/last-minute.ts";

describe("the last minute", () => {
  const minute = new LastMinute();
  // One request in each second, from second 0 to second 200.
  for (let second = 0; second <= 200; second += 1) minute.at(second * 1000 + 500).requests += 1;
  const now = 200_500;

  test.each([
    [1_000, 1],
    [1_500, 2],
    [10_000, 10],
    [60_000, 60],
  ])("%i ms hold %i whole or present seconds", (span, requests) => {
    expect(minute.sum(firstSecond(now, span)).requests).toBe(requests);
  });
  test("the seconds summed lie within the span", () => {
    expect(now - firstSecond(now, 10_000)).toBe(9_500);
  });
  test("a bucket is emptied before it is used again", () => {
    const one = new LastMinute();
    one.at(5_000).errors += 7;
    expect(one.sum(0).errors).toBe(7);
    one.at(5_000 + 61_000).errors += 1;
    expect(one.sum(0).errors).toBe(1);
  });
  test("a minute of silence leaves nothing", () => {
    const one = new LastMinute();
    one.at(5_000).requests += 7;
    expect(one.sum(firstSecond(70_000, 60_000)).requests).toBe(0);
  });
});
