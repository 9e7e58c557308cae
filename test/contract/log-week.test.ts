import { execFileSync } from "node:child_process";
import { appendFileSync, linkSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { beforeEach, describe, expect, test } from "vitest";

import { ensureTools } from "../../src/practice/tools.ts";
import { markCanary } from "../../src/traffic/parse/canary.ts";
import { learnWeek } from "../../src/traffic/profile/learn.ts";
import { isOfFamily, logFamily } from "../../src/traffic/profile/log-family.ts";
import { openPlace } from "./log-server.ts";

let place: string;
beforeEach(() => {
  place = openPlace();
});

const at = (name: string): string => join(place, name);

/** One line a minute of this day of November 2026, which began on a Sunday. */
const dayOf = (day: number, count = 1440): string =>
  Array.from({ length: count }, (_, minute) => {
    const clock = [Math.floor(minute / 60), minute % 60].map((part) =>
      String(part).padStart(2, "0"),
    );
    const date = String(day).padStart(2, "0");
    return `192.0.2.7 - - [${date}/Nov/2026:${clock.join(":")}:00 +0000] "GET / HTTP/1.1" 200 5\n`;
  }).join("");

/** Whenever this runs, those days are not too long ago, and the files are new. */
const now = Math.min(Date.now(), Date.UTC(2026, 11, 1));

const learn = (...names: readonly string[]) =>
  learnWeek({
    paths: names.map(at),
    format: "auto",
    now,
    signal: AbortSignal.timeout(60_000),
  });

describe("the family of a log", () => {
  test.each([
    "access.log",
    "access.log.1",
    "access.log.12.gz",
    "access.log-20261120",
    "access.log-20261120-13.zst",
    "access.log.1732147200",
    "access-20261120.log",
    "access-20261120.log.xz",
    "access.1.log.bz2",
    "access.log.2026-11-20",
    "access.log.gz",
  ])("has %s", (name) => {
    expect(isOfFamily("access.log", name)).toBe(true);
  });
  test.each([
    "error.log",
    "access.log.old",
    "access.log.swp",
    "other-access.log",
    "access.log.1.gz.tmp",
    "access_ssl.log",
    "access.log1",
    "access-ssl.log",
    "accessXlog",
  ])("has no %s", (name) => {
    expect(isOfFamily("access.log", name)).toBe(false);
  });
  test("is listed once, the plain one of two, oldest first", async () => {
    for (const name of ["access.log", "access.log.1", "access.log.1.gz", "access.log.2.gz"]) {
      writeFileSync(at(name), "");
    }
    mkdirSync(at("access.log.3"));
    linkSync(at("access.log"), at("access.log-20261121"));
    utimesSync(at("access.log.2.gz"), 1000, 1000);
    utimesSync(at("access.log.1"), 2000, 2000);
    const files = await logFamily(at("access.log"));
    expect(files.slice(0, 2)).toMatchObject([
      { path: at("access.log.2.gz"), compression: "gz", writtenAt: 1_000_000 },
      { path: at("access.log.1"), compression: undefined },
    ]);
    expect(files).toHaveLength(3);
  });
});

describe("a week", () => {
  test("is learnt from current, rotated and compressed logs alike", async () => {
    await ensureTools(
      [
        { command: "zstd", package: "zstd" },
        { command: "xz", package: "xz-utils" },
        { command: "bzip2", package: "bzip2" },
      ],
      console.log,
    );
    writeFileSync(at("access.log"), dayOf(20));
    writeFileSync(at("access.log.1"), dayOf(19));
    writeFileSync(at("access.log.2.gz"), gzipSync(dayOf(18)));
    // Two members, as `cat a.gz b.gz` makes, and a last line without its end.
    const halves = [dayOf(17).slice(0, 84 * 700), dayOf(17).slice(84 * 700, -1)];
    writeFileSync(at("access.log.3.gz"), Buffer.concat(halves.map((half) => gzipSync(half))));
    for (const [index, [tool, ending]] of [
      ["zstd", "zst"],
      ["xz", "xz"],
      ["bzip2", "bz2"],
    ].entries()) {
      const text = execFileSync(tool as string, ["-c"], { input: dayOf(16 - index) });
      writeFileSync(at(`access.log.${4 + index}.${ending}`), text);
    }
    const { files, profile } = await learn("access.log");
    expect(files.map(({ problem }) => problem).filter((one) => one !== undefined)).toEqual([]);
    expect(files.map(({ lines, unreadable }) => [lines, unreadable])).toEqual(
      Array.from({ length: 7 }, () => [1440, 0]),
    );
    const week = profile.week();
    expect(week.filter((one) => one !== undefined && Math.abs(one - 15) < 1e-6)).toHaveLength(672);
  });

  test("counts what was answered to others, and what cannot be read", async () => {
    const [line = ""] = dayOf(20, 1).split("\n");
    const { target } = markCanary("a1", "/");
    const lines = [
      line,
      line.replace("GET / ", `GET ${target} `),
      line.replace(" 200 ", " 499 "),
      "x",
      line.replace("Nov", "Nox"),
      "y".repeat(70_000),
    ];
    writeFileSync(at("access.log"), lines.join("\n"));
    const { files, profile } = await learn("access.log");
    expect(files).toMatchObject([{ lines: 6, unreadable: 3, problem: undefined }]);
    expect(profile.week()[4 * 96]).toBeCloseTo(15);
  });

  test("says which files it could not read, and uses what it could", async () => {
    writeFileSync(at("access.log"), dayOf(20));
    const cut = gzipSync(dayOf(19));
    writeFileSync(at("access.log.1.gz"), cut.subarray(0, cut.length / 2));
    writeFileSync(at("access.log.2.xz"), "no such thing");
    writeFileSync(at("access.log.3"), dayOf(18));
    utimesSync(at("access.log.3"), 1000, 1000);
    const { files, old } = await learn("access.log", "none.log", "none/x.log");
    const problems = new Map(files.map(({ path, problem }) => [path, problem]));
    expect(problems.get(at("access.log"))).toBeUndefined();
    expect(problems.get(at("access.log.1.gz"))).toMatch(/^Cannot read .+\.gz to its end: /);
    expect(problems.get(at("access.log.2.xz"))).toMatch(/to its end: xz: /);
    expect(problems.get(at("none.log"))).toMatch(/there is no such file$/);
    expect(problems.get(at("none/x.log"))).toMatch(/no such file or directory/);
    expect(files.find(({ path }) => path.endsWith(".1.gz"))?.lines).toBeGreaterThan(0);
    expect(old).toBe(1);
  });

  test("names the package of a tool that is missing", async () => {
    writeFileSync(at("access.log.1.zst"), "");
    const path = process.env["PATH"];
    process.env["PATH"] = place;
    try {
      const { files } = await learn("access.log");
      expect(files[0]?.problem).toMatch(/zstd is not installed \(apt-get install zstd\)$/);
    } finally {
      process.env["PATH"] = path;
    }
  });

  test("is given up at once when nobody waits for it any more", async () => {
    const day = dayOf(20);
    for (let turn = 0; turn < 200; turn += 1) appendFileSync(at("access.log"), day);
    const controller = new AbortController();
    const began = performance.now();
    setTimeout(() => controller.abort(new Error("enough")), 20);
    const learning = learnWeek({
      paths: [at("access.log")],
      format: "auto",
      now,
      signal: controller.signal,
    });
    await expect(learning).rejects.toThrow();
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
