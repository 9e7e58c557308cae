import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

import { quietHour } from "../../src/cli/quiet-hour.ts";
import { readSpan } from "../../src/cli/spans.ts";
import { type Paint, plainPaint } from "../../src/cli/terminal.ts";
import type { TrafficReport } from "../../src/cli/traffic-command.ts";
import { aboutRequests, trafficLines, windowWords } from "../../src/cli/traffic-text.ts";
import { WeekProfile } from "../../src/traffic/profile/week.ts";
import { scratch } from "./cli-fixtures.ts";

/** Busier by the hour of the day, and nothing known of Sunday. */
const expected = Array.from({ length: 672 }, (_, quarter) =>
  quarter >= 6 * 96 ? null : Math.floor((quarter % 96) / 4) * 10,
);

const report: TrafficReport = {
  pair: "www",
  node: "primary",
  window: 10,
  files: [
    {
      path: "/log/a.log.1.zst",
      lines: 0,
      unreadable: 0,
      problem: "Cannot read a: zstd\nis missing",
    },
    { path: "/log/a.log", lines: 12_345, unreadable: 1, problem: undefined },
  ],
  old: 1,
  lines: 12_345,
  unreadable: 1,
  from: "2026-11-02 00:00",
  to: "2026-11-21 08:01",
  offset: -210,
  expected,
  quietest: { weekday: "Tuesday", start: 1440 + 220, requests: 12.4, at: "x" },
};

describe("the picture of a week", () => {
  test("has a row a day, the files, and the quietest window", () => {
    expect(`\n${trafficLines(report, plainPaint).join("\n")}\n`).toMatchInlineSnapshot(`
      "
      www: what primary serves in a week, UTC-03:30, as the logs are written

                 00    03    06    09    12    15    18    21
      Monday       ▁▁▁▁▂▂▂▂▂▂▃▃▃▃▃▃▄▄▄▄▄▄▅▅▅▅▅▅▆▆▆▆▆▆▇▇▇▇▇▇██████
      Tuesday      ▁▁▁▁▂▂▂▂▂▂▃▃▃▃▃▃▄▄▄▄▄▄▅▅▅▅▅▅▆▆▆▆▆▆▇▇▇▇▇▇██████
      Wednesday    ▁▁▁▁▂▂▂▂▂▂▃▃▃▃▃▃▄▄▄▄▄▄▅▅▅▅▅▅▆▆▆▆▆▆▇▇▇▇▇▇██████
      Thursday     ▁▁▁▁▂▂▂▂▂▂▃▃▃▃▃▃▄▄▄▄▄▄▅▅▅▅▅▅▆▆▆▆▆▆▇▇▇▇▇▇██████
      Friday       ▁▁▁▁▂▂▂▂▂▂▃▃▃▃▃▃▄▄▄▄▄▄▅▅▅▅▅▅▆▆▆▆▆▆▇▇▇▇▇▇██████
      Saturday     ▁▁▁▁▂▂▂▂▂▂▃▃▃▃▃▃▄▄▄▄▄▄▅▅▅▅▅▅▆▆▆▆▆▆▇▇▇▇▇▇██████
      Sunday      · · · · · · · · · · · · · · · · · · · · · · · ·
                 █ is 920 requests in an hour, · is not known

      Cannot read a: zstd is missing
      /log/a.log: 12,345 lines, 1 not readable
      1 file not written for ten weeks: left out
      12,345 lines, 1 not readable, from 2026-11-02 00:00 to 2026-11-21 08:01
      Quietest: Tuesday 03:40-03:50, about 12 requests
      "
    `);
  });

  test("has no window where the logs cover too little", () => {
    const lines = trafficLines({ ...report, from: null, to: null, quietest: null }, plainPaint);
    expect(lines.at(-1)).toBe("No window of 10 min is known: the logs cover too little of a week");
    expect(lines.join("")).not.toContain("Monday");
  });

  test("is the same with colour", () => {
    const marked: Paint = (style, text) => `<${style}>${text}</${style}>`;
    const painted = trafficLines(report, marked).join("\n");
    expect(painted).toContain("<red>██</red>");
    expect(painted.replace(/<\/?[a-z]+>/g, "")).toBe(trafficLines(report, plainPaint).join("\n"));
  });

  test.each([
    [0, 10, "Monday 00:00-00:10"],
    [6 * 1440 + 1435, 10, "Sunday 23:55-00:05"],
  ])("says when: %d", (start, length, words) => {
    expect(windowWords(start, length)).toBe(words);
  });

  test.each([
    [0.4, "hardly a request"],
    [1, "about 1 request"],
    [1234.5, "about 1,235 requests"],
  ])("says how many: %d", (requests, words) => {
    expect(aboutRequests(requests)).toBe(words);
  });
});

test.each([
  ["90s", 90_000],
  ["5m", 300_000],
  ["2h", 7_200_000],
  ["7d", 604_800_000],
  ["5", undefined],
  ["1.5h", undefined],
  ["-5m", undefined],
  ["", undefined],
])("a span %j is %s ms", (text, millis) => {
  expect(readSpan(text)).toBe(millis);
});

test("the quiet hour is found on the clock of the logs, wherever this machine stands", () => {
  const offset = 330;
  const profile = new WeekProfile();
  const monday = Date.UTC(2026, 10, 16) / 60_000;
  for (let minute = 0; minute < 7 * 1440; minute += 1) {
    const quiet = minute >= 1440 + 220 && minute < 1440 + 240;
    if (!quiet) profile.add({ kind: "written", minute: monday + minute, offset }, () => 0);
  }
  const learnt = { profile, files: [], old: 0 };
  const logged = { node: "primary", learnt, week: profile.week(), zone: () => offset };
  const now = Date.parse("2026-11-23T12:00:00+05:30");
  const found = quietHour(logged, { length: 15, within: 10_080, now });
  expect(found).toMatchObject({ start: 1440 + 225, requests: 0 });
  expect(found?.at).toBe(Date.parse("2026-11-24T03:45:00+05:30"));
  const later = quietHour(logged, { length: 15, within: 10_080, now: (found?.at ?? 0) + 1 });
  expect(later?.at).toBe(Date.parse("2026-12-01T03:45:00+05:30"));
});

test("an hour that the clocks skip in spring is none of the next days' quiet ones", () => {
  const berlin = (instant: number): number =>
    instant >= Date.UTC(2026, 2, 29, 1) && instant < Date.UTC(2026, 9, 25, 1) ? 120 : 60;
  const profile = new WeekProfile();
  const monday = Date.UTC(2026, 2, 16) / 60_000;
  for (let minute = 0; minute < 7 * 1440; minute += 1) {
    const hour = Math.floor(minute / 60) - 6 * 24;
    // Nobody comes on Sundays from two to three, and few from four to five.
    const comes = hour === 2 ? false : hour === 4 ? minute % 5 === 0 : true;
    if (comes) profile.add({ kind: "written", minute: monday + minute, offset: 60 }, berlin);
  }
  const learnt = { profile, files: [], old: 0 };
  const logged = { node: "primary", learnt, week: profile.week(), zone: berlin };
  const now = Date.parse("2026-03-27T12:00:00+01:00");
  const found = quietHour(logged, { length: 10, within: 10_080, now });
  expect(found?.at).toBe(Date.parse("2026-03-29T04:00:00+02:00"));
  const later = quietHour(logged, { length: 10, within: 10_080, now: found?.at ?? 0 });
  expect(later?.at).toBe(Date.parse("2026-04-05T02:00:00+02:00"));
});

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** Types `failover traffic ARGUMENTS`. */
const traffic = (...args: readonly string[]) =>
  spawnSync(process.execPath, ["--import", "tsx", main, "traffic", ...args], {
    encoding: "utf8",
    env: { ...process.env, TZ: "Europe/Berlin" },
  });

describe("failover traffic", () => {
  const configuration = (log: string): string => `pair: www
address: 203.0.113.10
key: /etc/failover/key
logFormat: '%t %s "%r"'
nodes:
  primary: { interface: eth0, paths: [203.0.113.11], accessLog: ${log} }
  backup: { interface: eth0, paths: [203.0.113.12], accessLog: /nonexistent/access.log }
`;

  test("reads the logs of a node, plain into a pipe", async () => {
    await using place = await scratch();
    // Of the Monday before the last: older lines than of ten weeks would be left out.
    const monday = new Date();
    monday.setUTCDate(monday.getUTCDate() - 7 - ((monday.getUTCDay() + 6) % 7));
    const day = monday.toISOString().slice(0, 10);
    const [, date, month, year] = monday.toUTCString().split(" ");
    const lines = Array.from({ length: 200 }, (_, index) => {
      const clock = `0${1 + Math.floor(index / 60)}:${String(index % 60).padStart(2, "0")}`;
      return `[${date}/${month}/${year}:${clock}:00 +0530] 200 "-"\n`;
    });
    await writeFile(place.path("access.log"), `${lines.join("")}odd\n`);
    await writeFile(place.path("f.yaml"), configuration(place.path("access.log")));
    const where = ["--config", place.path("f.yaml"), "--window", "1h"];
    const text = traffic(...where, "--node", "primary");
    expect(text.stdout).toContain(`201 lines, 1 not readable, from ${day} 01:00 to `);
    expect(text.stdout).toContain("Quietest: Monday 01:00-02:00, about 60 requests\n");
    expect(text.stdout).not.toContain("\u001b");
    expect(text.status).toBe(0);
    const data = traffic(...where, "--node", "primary", "--json");
    expect(JSON.parse(data.stdout)).toMatchObject({
      node: "primary",
      lines: 201,
      offset: 330,
      quietest: { weekday: "Monday", start: 60, requests: 60 },
    });
    // The clock of the logs, which is not this machine's: Monday 01:00 in India.
    const next = new Date(Date.parse(JSON.parse(data.stdout).quietest.at) + 330 * 60_000);
    expect([next.getUTCDay(), next.getUTCHours(), next.getUTCMinutes()]).toEqual([1, 1, 0]);
    const other = traffic(...where, "--node", "backup");
    expect(other.stdout).toContain("Cannot read /nonexistent/access.log: ");
    expect(other.status).toBe(3);
    expect(traffic(...where, "--node", "third").status).toBe(2);
    expect(traffic(...where, "--window", "2d").status).toBe(2);
  });
});
