import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { daysSince1970, readTime } from "../../src/traffic/parse/time.ts";

const minute = Date.UTC(2026, 10, 21, 4, 43) / 60_000;

describe("the time of a line", () => {
  test.each([
    ["21/Nov/2026:04:43:00 +0000", 0],
    ["21/Nov/2026:04:43:59 -0330", -210],
    ["21/Nov/2026 04:43:00", undefined],
    ["2026-11-21T04:43:00+00:00", 0],
    ["2026-11-21T04:43:00.123456Z", 0],
    ["2026-11-21 04:43:00,5", undefined],
    ["2026/11/21 04:43", undefined],
    ["2026-11-21T04:43:00+0100", 60],
  ])("%s is what stood on the wall, with its offset", (text, offset) => {
    expect(readTime(text)).toEqual({ kind: "written", minute, offset });
  });

  test.each([
    ["1795236180", 1795236180],
    ["1795236180.5", 1795236180.5],
    ["1795236180500", 1795236180.5],
    ["1795236180500000", 1795236180.5],
    ["1795236180500000000", 1795236180.5],
  ])("%s counts from 1970", (text, seconds) => {
    expect(readTime(text)).toEqual({ kind: "epoch", seconds });
  });

  test.each([
    "",
    "-",
    "x",
    "32/Nov/2026:04:43:00",
    "21/Nox/2026:04:43:00",
    "2026-13-01T00:00",
    "2026-11-21T24:00",
    "2026-11-21",
    "12",
  ])("%j is none", (text) => {
    expect(readTime(text)).toBeUndefined();
  });
});

test("days are counted as the Gregorian calendar does", () => {
  fc.assert(
    fc.property(fc.integer({ min: -200_000, max: 200_000 }), (day) => {
      const date = new Date(day * 86_400_000);
      const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + 1];
      expect(daysSince1970(year, month, date.getUTCDate())).toBe(day);
    }),
  );
});
