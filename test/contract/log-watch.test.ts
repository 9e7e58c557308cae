import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { Count } from "../../src/traffic/messages.ts";
import { markCanary } from "../../src/traffic/parse/canary.ts";
import { type TrafficWatch, watchTraffic } from "../../src/traffic/watch.ts";
import { lineOf, openPlace } from "./log-server.ts";

let place: string;
let log: string;
let counts: Count[];
let troubles: string[];
let watch: TrafficWatch;
let workers: Worker[];

const noteWorker = (worker: Worker): void => {
  workers.push(worker);
};

beforeEach(() => {
  place = openPlace();
  log = join(place, "access.log");
  writeFileSync(log, lineOf(0));
  counts = [];
  troubles = [];
  workers = [];
  process.on("worker", noteWorker);
});
afterEach(async () => {
  process.off("worker", noteWorker);
  await watch[Symbol.asyncDispose]();
});

async function begin(...paths: string[]): Promise<void> {
  watch = watchTraffic({
    paths: paths.length === 0 ? [log] : paths,
    format: "auto",
    onCount: (count) => counts.push(count),
    onTrouble: (trouble, sentence) => troubles.push(sentence ?? `mended: ${trouble}`),
  });
  await watch.start();
}

/** Whatever was written until now has been read by then. */
const lookAgain = () => watch.recent(60_000);

/** Waits for what is true sooner or later; it comes within some 50 ms, on a busy machine within seconds. */
const sooner = <T>(what: () => T) => expect.poll(what, { timeout: 20_000, interval: 10 });

const linesFrom = (first: number, last: number): string => {
  let text = "";
  for (let number = first; number <= last; number += 1) text += lineOf(number);
  return text;
};
const failure = lineOf(1).replace('" 200 5', '" 503 5');
const canaryLine = (tag: string): string =>
  lineOf(1).replace("/1 HTTP", `${markCanary(tag, "/").target} HTTP`);

describe("a count", () => {
  test("begins at zero after everything written so far, and tells every change", async () => {
    await begin();
    appendFileSync(log, linesFrom(1, 5));
    await watch.count("one");
    expect(counts).toEqual([]);
    appendFileSync(log, `${linesFrom(1, 3)}${failure}${canaryLine("a-1").repeat(2)}x\n`);
    const expected = { id: "one", requests: 4, errors: 1, tags: ["a-1"], unreadable: 1 };
    await sooner(() => counts.at(-1)).toEqual(expected);
    await watch.count("two");
    appendFileSync(log, lineOf(1));
    await sooner(() => counts.at(-1)?.id).toBe("two");
    expect(counts.at(-1)).toMatchObject({ requests: 1, errors: 0, tags: [], unreadable: 0 });
  });
  test("sums several files, each once", async () => {
    const other = join(place, "other.log");
    await begin(log, other, log);
    await watch.count("sum");
    writeFileSync(other, linesFrom(1, 10));
    appendFileSync(log, linesFrom(1, 20));
    await sooner(() => counts.at(-1)?.requests).toBe(30);
  });
  test("leaves out excluded clients, also those whose lines were read before", async () => {
    await begin();
    await watch.count("one");
    // Each line of ours comes from another address, 2001:db8::NUMBER.
    appendFileSync(log, `${linesFrom(1, 5)}${failure}${lineOf(2)}`);
    await sooner(() => counts.at(-1)).toMatchObject({ requests: 7, errors: 1 });
    watch.exclude("other", ["2001:db8::1"]);
    watch.exclude("one", ["2001:DB8::1", "2001:db8::2", "192.0.2.1"]);
    await sooner(() => counts.at(-1)).toMatchObject({ requests: 3, errors: 0 });
    appendFileSync(log, `${failure}${lineOf(7)}`);
    await sooner(() => counts.at(-1)).toMatchObject({ requests: 4, errors: 0 });
    watch.exclude("one", []);
    await sooner(() => counts.at(-1)).toMatchObject({ requests: 9, errors: 2 });
  });
  test("leaves out clients that were excluded before it began, or before its reader died", async () => {
    await begin();
    watch.exclude("one", ["2001:db8::1"]);
    await watch.count("one");
    appendFileSync(log, linesFrom(1, 3));
    await sooner(() => counts.at(-1)?.requests).toBe(2);
    await workers.at(-1)?.terminate();
    appendFileSync(log, linesFrom(1, 3));
    await sooner(() => counts.at(-1)?.requests).toBe(4);
  });
  test("goes on without a gap or a repetition when the reader's thread dies", async () => {
    await begin();
    await watch.count("one");
    for (let death = 1; death <= 3; death += 1) {
      appendFileSync(log, linesFrom(1, 10));
      await sooner(() => counts.at(-1)?.requests).toBe(20 * death - 10);
      const dead = workers.at(-1)?.terminate();
      appendFileSync(log, linesFrom(1, 10));
      await dead;
      await sooner(() => counts.at(-1)?.requests).toBe(20 * death);
    }
    expect(troubles.length).toBe(6);
    expect(troubles.filter((sentence) => sentence === "mended: reader").length).toBe(3);
    expect(troubles[0]).toMatch(/^The reader of the access_logs died: .+; another one starts in/);
    expect(workers.length).toBe(4);
    const told = counts.map(({ requests }) => requests);
    expect(told).toEqual([...told].sort((a, b) => a - b));
  });
  test("is begun by the next thread when the one that was asked died", async () => {
    await begin();
    const dead = workers.at(-1)?.terminate();
    const begun = watch.count("one");
    await dead;
    await begun;
    appendFileSync(log, lineOf(1));
    await sooner(() => counts.at(-1)).toMatchObject({ id: "one", requests: 1 });
  });
});

describe("recent traffic", () => {
  test("is what was read since the start, with the span that it belongs to", async () => {
    await begin();
    appendFileSync(log, linesFrom(1, 9) + failure + canaryLine("x"));
    const recent = await watch.recent(60_000);
    expect(recent).toMatchObject({ requests: 10, errors: 1 });
    expect(recent.span).toBeGreaterThan(0);
    expect(recent.span).toBeLessThan(30_000);
  });
  test.each([0, 999, 60_001, Number.NaN])("%d ms are no span", async (span) => {
    await begin();
    expect(() => watch.recent(span)).toThrow(/Cannot sum/);
  });
});

describe("a tag", () => {
  test("is found when its line appears, with how long it took", async () => {
    await begin();
    const found = watch.awaitTag("t-1", { signal: AbortSignal.timeout(20_000) });
    appendFileSync(log, canaryLine("t-2") + canaryLine("t-1"));
    expect(await found).toBeLessThan(20_000);
  });
  test("is found at once when its line was read before", async () => {
    await begin();
    appendFileSync(log, canaryLine("t-1"));
    await lookAgain();
    expect(await watch.awaitTag("t-1", { signal: AbortSignal.timeout(20_000) })).toBeDefined();
  });
  test("that never appears is undefined at the deadline", async () => {
    await begin();
    appendFileSync(log, canaryLine("t-2"));
    expect(await watch.awaitTag("t-1", { signal: AbortSignal.timeout(200) })).toBeUndefined();
    expect(await watch.awaitTag("t-1", { signal: AbortSignal.abort() })).toBeUndefined();
  });
  test("is waited for until the watch ends", async () => {
    await begin();
    const found = watch.awaitTag("t-1", { signal: AbortSignal.timeout(60_000) });
    await watch[Symbol.asyncDispose]();
    expect(await found).toBeUndefined();
    await expect(lookAgain()).rejects.toThrow(/the watch was stopped/);
  });
});

describe("the files", () => {
  test("that are missing are trouble, told by the time the watch has begun", async () => {
    const missing = join(place, "missing.log");
    await begin(log, missing);
    expect(troubles).toEqual([expect.stringContaining(`Cannot read ${missing}: there is no such`)]);
  });
  test("with many unreadable lines are trouble, told once until it mends", async () => {
    await begin();
    appendFileSync(log, "x\n".repeat(19));
    await lookAgain();
    expect(troubles).toEqual([]);
    appendFileSync(log, "{}\n".repeat(2));
    await sooner(() => troubles.length).toBe(1);
    expect(troubles[0]).toContain(`Cannot read 21 of the last 21 lines of ${log}`);
    expect(troubles[0]).toContain('such as "{}"');
    appendFileSync(log, "x\n");
    await lookAgain();
    expect(troubles.length).toBe(1);
    appendFileSync(log, linesFrom(1, 1000));
    await lookAgain();
    appendFileSync(log, "x\n".repeat(1000));
    await sooner(() => troubles.length).toBe(3);
    expect(troubles[1]).toBe(`mended: ${log}`);
  });
  test("are looked at anew by the next thread, and by nobody when the watch ends", async () => {
    const missing = join(place, "missing.log");
    await begin(missing);
    await workers.at(-1)?.terminate();
    await sooner(() => troubles.length).toBe(5);
    await watch[Symbol.asyncDispose]();
    const wrong = expect.stringContaining(`Cannot read ${missing}`);
    expect(troubles.filter((sentence) => !sentence.includes("reader"))).toEqual([
      wrong,
      `mended: ${missing}`,
      wrong,
      `mended: ${missing}`,
    ]);
  });
});

test("a hundred thousand lines are read at more than 20,000 a second, in few reports", async () => {
  await begin();
  await watch.count("many");
  const text = linesFrom(1, 1000);
  const began = performance.now();
  for (let turn = 0; turn < 100; turn += 1) appendFileSync(log, text);
  await sooner(() => counts.at(-1)?.requests).toBe(100_000);
  const took = performance.now() - began;
  expect(took).toBeLessThan(5_000);
  expect(counts.length).toBeLessThanOrEqual(took / 50 + 2);
});

test("no line is missed by the thread while a server writes and logs are rotated", async () => {
  await begin();
  await watch.count("all");
  let written = 0;
  for (let rotation = 1; rotation <= 5; rotation += 1) {
    for (let turn = 0; turn < 20; turn += 1) {
      appendFileSync(log, linesFrom(1, 7));
      written += 7;
      await new Promise((resolve) => setImmediate(resolve));
    }
    renameSync(log, `${log}.${rotation}`);
    writeFileSync(log, "");
    appendFileSync(`${log}.${rotation}`, lineOf(1));
    written += 1;
    await lookAgain(); // A look between two rotations: what came and went unseen cannot be known.
  }
  await sooner(() => counts.at(-1)?.requests).toBe(written);
});
