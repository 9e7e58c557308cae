import { describe, expect, test } from "vitest";

import { readHour } from "../../src/cli/hour.ts";
import type { Zone } from "../../src/traffic/profile/week.ts";

/** Berlin in 2026: forward on 29 March at 01:00 UTC, back on 25 October at 01:00 UTC. */
const berlin: Zone = (instant) =>
  instant >= Date.UTC(2026, 2, 29, 1) && instant < Date.UTC(2026, 9, 25, 1) ? 120 : 60;

const now = Date.parse("2026-03-28T12:00:30+01:00");

describe("an hour", () => {
  test.each([
    ["12:01", "2026-03-28T12:01+01:00"],
    ["12:00", "2026-03-29T12:00+02:00"],
    ["03:40", "2026-03-29T03:40+02:00"],
    ["02:30", "2026-03-30T02:30+02:00"],
    ["2026-03-28T23:59", "2026-03-28T23:59+01:00"],
    ["2026-10-25T02:30", "2026-10-25T02:30+02:00"],
    ["2026-11-30T03:40", "2026-11-30T03:40+01:00"],
    ["2026-11-30T03:40Z", "2026-11-30T03:40Z"],
    ["2026-11-30T03:40-05:00", "2026-11-30T03:40-05:00"],
  ])("%s is %s", (text, expected) => {
    expect(readHour(text, now, berlin)).toEqual({ kind: "hour", at: Date.parse(expected) });
  });

  test.each([
    ["+90s", 90_000],
    ["+2h", 7_200_000],
  ])("%s is so far from now", (text, ahead) => {
    expect(readHour(text, now, berlin)).toEqual({ kind: "hour", at: now + ahead });
  });

  test.each([
    ["", /^it is no hour such as 03:40/],
    ["24:00", /^it is no hour/],
    ["3:40", /^it is no hour/],
    ["+2", /^it is no hour/],
    ["2h", /^it is no hour/],
    ["2026-11-30 03:40", /^it is no hour/],
    ["2026-02-30T03:40", /^there is no such day or hour$/],
    ["2026-02-30T03:40Z", /^there is no such day or hour$/],
    ["2026-11-30T25:40", /^there is no such day or hour$/],
    ["2026-03-29T02:30", /^the clocks go forward then, and never show it$/],
    ["2026-03-28T12:00", /^it has passed$/],
    ["2026-03-28T10:59Z", /^it has passed$/],
  ])("%j is none", (text, found) => {
    const hour = readHour(text, now, berlin);
    expect(hour.kind === "none" ? hour.found : hour).toMatch(found);
  });
});
