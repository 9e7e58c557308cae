import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { readTime } from "../../src/traffic/parse/time.ts";
import { expectedRequests, quietestWindow } from "../../src/traffic/profile/quiet.ts";
import { instantsOf, nextAt, wallMinute } from "../../src/traffic/profile/wall-clock.ts";
import {
  minuteOfWeek,
  type Week,
  WeekProfile,
  weekMinutes,
  type Zone,
} from "../../src/traffic/profile/week.ts";

const utc: Zone = () => 0;
/** Berlin in 2026: forward on 29 March at 01:00 UTC, back on 25 October at 01:00 UTC. */
const berlin: Zone = (instant) =>
  instant >= Date.UTC(2026, 2, 29, 1) && instant < Date.UTC(2026, 9, 25, 1) ? 120 : 60;

const minuteAt = (text: string): number => Date.parse(`${text}Z`) / 60_000;

function profileOf(...times: readonly string[]): WeekProfile {
  const profile = new WeekProfile();
  for (const text of times) {
    const time = readTime(text);
    if (time === undefined) throw new Error(text);
    profile.add(time, utc);
  }
  return profile;
}

/** One request every five minutes, from and to whole minutes. */
function steady(profile: WeekProfile, from: string, to: string): void {
  for (let minute = minuteAt(from); minute < minuteAt(to); minute += 5) {
    profile.add({ kind: "written", minute, offset: 0 }, utc);
  }
}

const quarter = (day: number, hour: number, minute = 0): number =>
  day * 96 + hour * 4 + Math.floor(minute / 15);

describe("the minute of the week", () => {
  test.each([
    ["1970-01-01T00:00", 3 * 1440],
    ["1970-01-05T00:00", 0],
    ["2026-11-21T08:01", 5 * 1440 + 481],
    ["2026-11-22T23:59", weekMinutes - 1],
    ["1969-12-31T23:59", 3 * 1440 - 1],
  ])("of %s is %d", (text, expected) => {
    expect(minuteOfWeek(minuteAt(text))).toBe(expected);
  });
});

describe("a week of traffic", () => {
  test("is the average of the weeks that the logs cover", () => {
    const profile = new WeekProfile();
    steady(profile, "2026-11-02T00:00", "2026-11-17T00:00");
    // Two more requests on one of the three Mondays at 03:00.
    for (let more = 0; more < 2; more += 1) {
      profile.add({ kind: "written", minute: minuteAt("2026-11-09T03:00"), offset: 0 }, utc);
    }
    const week = profile.week();
    expect(week[quarter(0, 3)]).toBeCloseTo(3 + 2 / 3);
    expect(week[quarter(1, 3)]).toBeCloseTo(3);
    expect(week).toHaveLength(672);
    expect(week.every((one) => one !== undefined)).toBe(true);
  });

  test("is that of the last weeks, however far back a log that nobody rotates goes", () => {
    const profile = new WeekProfile(minuteAt("2026-11-09T00:00"));
    const longAgo = { kind: "written", minute: minuteAt("2022-11-07T03:00"), offset: 0 } as const;
    expect(profile.add(longAgo, utc)).toBe(true);
    expect(profile.span).toBeUndefined();
    steady(profile, "2026-11-09T00:00", "2026-11-16T00:00");
    expect(profile.span?.from).toBe(minuteAt("2026-11-09T00:00"));
    expect(profile.week()[quarter(0, 3)]).toBe(3);
  });

  test("is unknown where no log covers it, and quiet where one does", () => {
    const week = profileOf(
      "2026-11-16T10:00:00Z",
      "2026-11-16T12:00:00Z",
      "2026-11-19T10:00:00Z",
      "2026-11-19T10:14:00Z",
    ).week();
    expect(week[quarter(0, 9, 45)]).toBeUndefined();
    expect(week[quarter(0, 10)]).toBe(1);
    expect(week[quarter(0, 11)]).toBe(0);
    expect(week[quarter(1, 12)]).toBeUndefined();
    expect(week[quarter(3, 10)]).toBe(2);
    expect(week[quarter(3, 10, 15)]).toBeUndefined();
  });

  test("weighs the quarters in which the logs begin and end by the minutes that they cover", () => {
    const profile = new WeekProfile();
    steady(profile, "2026-11-16T10:10", "2026-11-16T10:35");
    const week = profile.week();
    expect(week[quarter(0, 10)]).toBeCloseTo(3);
    expect(week[quarter(0, 10, 15)]).toBe(3);
    // Until 10:30, which is one minute of the quarter.
    expect(week[quarter(0, 10, 30)]).toBeCloseTo(15);
  });

  test("is what the wall of the logs showed, whatever the order of the files", () => {
    const times = [
      "2026-10-26T09:00:00+0100",
      "2026-10-19T09:00:00+0200",
      "2026-10-20T09:00:00+0200",
    ];
    const profile = profileOf(...times);
    expect(profile.offset).toBe(60);
    expect(profile.week()[quarter(0, 9)]).toBeCloseTo(2 / (1 + 1 / 15));
    expect(profile.span).toEqual({
      from: minuteAt("2026-10-19T09:00"),
      to: minuteAt("2026-10-26T09:00"),
    });
    const reversed = profileOf(...times.toReversed());
    expect([reversed.offset, reversed.week()]).toEqual([profile.offset, profile.week()]);
  });

  test("knows nothing of the hour that is skipped in spring, and halves the one shown twice", () => {
    const week = (from: string, to: string): Week => {
      const profile = new WeekProfile();
      for (let instant = Date.parse(from); instant < Date.parse(to); instant += 60_000) {
        profile.add({ kind: "epoch", seconds: instant / 1000 }, berlin);
      }
      return profile.week();
    };
    const spring = week("2026-03-28T12:00+01:00", "2026-03-29T12:00+02:00");
    const hour = (requests: number | undefined) => Array.from({ length: 4 }, () => requests);
    const around = spring.slice(quarter(6, 1), quarter(6, 4));
    expect(around).toEqual([hour(15), hour(undefined), hour(15)].flat());
    const autumn = week("2026-10-24T12:00+02:00", "2026-10-25T12:00+01:00");
    expect(autumn.slice(quarter(6, 1), quarter(6, 4))).toEqual(
      Array.from({ length: 12 }, () => 15),
    );
  });

  test("puts times since 1970 on the wall of this machine", () => {
    const profile = new WeekProfile();
    const seconds = Date.UTC(2026, 6, 6, 7, 0) / 1000;
    profile.add({ kind: "epoch", seconds }, berlin);
    expect(profile.offset).toBe(120);
    expect(profile.week()[quarter(0, 9)]).toBeDefined();
  });

  test("has a bound, whatever times are written", () => {
    const profile = new WeekProfile();
    let taken = 0;
    for (let index = 0; index < 100_010; index += 1) {
      const minute = index * 15_000;
      if (profile.add({ kind: "written", minute, offset: 0 }, utc)) taken += 1;
    }
    expect(taken).toBe(100_000);
  });

  test("of nothing is unknown", () => {
    const profile = new WeekProfile();
    expect(profile.span).toBeUndefined();
    expect(profile.week().every((one) => one === undefined)).toBe(true);
  });
});

describe("the quietest window", () => {
  const flat = (changes: Readonly<Record<number, number | undefined>> = {}): Week =>
    Array.from({ length: 672 }, (_, index) => (index in changes ? changes[index] : 15));
  const all = { now: 0, within: weekMinutes };

  test("has the fewest requests, in parts of quarters", () => {
    const week = flat({ [quarter(1, 3, 30)]: 6, [quarter(1, 3, 45)]: 3 });
    expect(quietestWindow(week, { ...all, length: 10 })).toEqual({
      start: 1440 + 225,
      length: 10,
      requests: 2,
    });
    const long = quietestWindow(week, { ...all, length: 25 });
    expect(long).toMatchObject({ start: 1440 + 215 });
    expect(long?.requests).toBeCloseTo(7);
  });

  test("is the next one of several", () => {
    const week = flat({ [quarter(0, 3)]: 1, [quarter(4, 3)]: 1 });
    const from = (now: number) => quietestWindow(week, { now, within: weekMinutes, length: 15 });
    expect(from(0)?.start).toBe(180);
    expect(from(180)?.start).toBe(180);
    expect(from(181)?.start).toBe(4 * 1440 + 180);
    expect(from(4 * 1440 + 181)?.start).toBe(180);
  });

  test("begins soon enough where that is asked", () => {
    const week = flat({ [quarter(6, 3)]: 0, [quarter(0, 20)]: 7 });
    expect(quietestWindow(week, { now: 0, within: 1440, length: 15 })?.start).toBe(1200);
  });

  test("may cross the end of the week", () => {
    const week = flat({ [quarter(6, 23, 45)]: 0, [quarter(0, 0)]: 0 });
    expect(quietestWindow(week, { ...all, now: 60, length: 30 })).toMatchObject({
      start: weekMinutes - 15,
      requests: 0,
    });
  });

  test("never has an unknown part", () => {
    const week = flat({ [quarter(2, 3)]: undefined, [quarter(2, 3, 15)]: 0 });
    expect(quietestWindow(week, { ...all, length: 20 })?.start).toBe(2 * 1440 + 195);
    expect(
      quietestWindow(
        flat().map(() => undefined),
        { ...all, length: 5 },
      ),
    ).toBeUndefined();
  });

  test("is no worse than any other", () => {
    const weeks = fc.array(fc.nat(50), { minLength: 672, maxLength: 672 });
    const minute = fc.integer({ min: 0, max: weekMinutes - 1 });
    const length = fc.integer({ min: 1, max: 1440 });
    fc.assert(
      fc.property(weeks, minute, minute, length, (week, now, other, minutes) => {
        const best = quietestWindow(week, { now, within: weekMinutes, length: minutes });
        const start = Math.floor(other / 5) * 5;
        const elsewhere = expectedRequests(week, start, minutes) ?? 0;
        expect(best?.requests).toBeLessThanOrEqual(elsewhere + 1e-5);
      }),
      { numRuns: 200 },
    );
  });
});

describe("the clock on the wall", () => {
  const at = (text: string): number => Date.parse(text);
  test("shows no hour in spring, and one twice in autumn", () => {
    expect(instantsOf(minuteAt("2026-03-29T02:30"), berlin)).toEqual([]);
    expect(instantsOf(minuteAt("2026-03-29T03:00"), berlin)).toEqual([
      at("2026-03-29T03:00+02:00"),
    ]);
    expect(instantsOf(minuteAt("2026-10-25T02:30"), berlin)).toEqual([
      at("2026-10-25T02:30+02:00"),
      at("2026-10-25T02:30+01:00"),
    ]);
  });

  test.each([
    ["later today", "2026-11-21T03:00+01:00", 220, "2026-11-21T03:40+01:00"],
    ["tomorrow", "2026-11-21T03:40+01:00", 220, "2026-11-22T03:40+01:00"],
    ["over the change in spring", "2026-03-28T04:00+01:00", 220, "2026-03-29T03:40+02:00"],
    ["an hour that spring skips", "2026-03-28T04:00+01:00", 150, "2026-03-30T02:30+02:00"],
    ["the first of two in autumn", "2026-10-24T04:00+02:00", 150, "2026-10-25T02:30+02:00"],
    ["the second of two in autumn", "2026-10-25T02:31+02:00", 150, "2026-10-25T02:30+01:00"],
    ["over the change in autumn", "2026-10-24T12:00+02:00", 220, "2026-10-25T03:40+01:00"],
  ])("next shows a time of day: %s", (_, after, minute, expected) => {
    expect(nextAt({ minute, period: 1440 }, at(after), berlin)).toBe(at(expected));
  });

  test("next shows a minute of the week, though its hour is skipped in one of them", () => {
    const after = at("2026-03-28T12:00+01:00");
    const found = nextAt(
      { minute: minuteAt("2026-03-22T02:30"), period: weekMinutes },
      after,
      berlin,
    );
    expect(found).toBe(at("2026-04-05T02:30+02:00"));
  });

  test("goes there and back", () => {
    const instants = fc.integer({
      min: at("2026-01-01T00:00Z") / 60_000,
      max: at("2027-01-01T00:00Z") / 60_000,
    });
    fc.assert(
      fc.property(instants, (minute) => {
        const instant = minute * 60_000;
        expect(instantsOf(wallMinute(instant, berlin), berlin)).toContain(instant);
      }),
    );
  });
});
