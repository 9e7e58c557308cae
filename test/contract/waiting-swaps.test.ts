import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { Verdict } from "../../src/cli/daemon/waiting-swaps.ts";
import { WaitingSwaps } from "../../src/cli/daemon/waiting-swaps.ts";
import { verdictOn } from "../../src/cli/daemon/waiting-verdict.ts";
import { readWaiting, waitingPath } from "../../src/cli/waiting-file.ts";
import type { Order } from "../../src/core/event.ts";
import { aHandover, aStatus, type Scratch, scratch } from "../unit/cli-fixtures.ts";

const id = "0123456789ab";
const minute = 60_000;
const start = Date.parse("2026-11-21T20:00:00Z");

let place: Scratch;
let told: string[];
let orders: Order[];
let troubles: (string | undefined)[];
let verdict: Verdict;
let refusal: string | undefined;
let check: (signal: AbortSignal) => Promise<readonly string[]>;
let agent: WaitingSwaps;

beforeEach(async () => {
  place = await scratch();
  [told, orders, troubles] = [[], [], []];
  verdict = { kind: "free" };
  refusal = undefined;
  check = async () => [];
  // The clock on the wall and what waits for it; the disk is real and takes its time.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], now: start });
  agent = await started();
});
afterEach(async () => {
  await agent[Symbol.asyncDispose]();
  vi.useRealTimers();
  await place[Symbol.asyncDispose]();
});

/** An agent that starts on what the one before it left on the disk. */
async function started(): Promise<WaitingSwaps> {
  const { swaps } = await readWaiting(place.directory);
  const waiting = new WaitingSwaps({
    stateDirectory: place.directory,
    found: swaps,
    check: (signal) => check(signal),
    judge: () => verdict,
    order: (order) => {
      if (refusal === undefined) orders.push(order);
      return refusal;
    },
    tell: (level, sentence) => told.push(`${level}: ${sentence}`),
    report: (sentence) => troubles.push(sentence),
    onChange: () => {},
  });
  waiting.start();
  return waiting;
}

async function restarted(after: number): Promise<void> {
  await agent[Symbol.asyncDispose]();
  vi.setSystemTime(Date.now() + after);
  agent = await started();
}

/** Lets the disk and the promises behind it come to rest. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 40; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

const waitFor = (expected: () => void) => vi.waitFor(expected, { timeout: 10_000, interval: 5 });

describe("a waiting swap", () => {
  test("is ordered at its hour, not before, under its own id, and waits no more", async () => {
    expect(agent.add({ id, node: "backup", at: start + 90 * minute })).toBeUndefined();
    await vi.advanceTimersByTimeAsync(90 * minute - 1);
    expect([orders, agent.list()]).toMatchObject([[], [{ id, in: 1, state: "waiting" }]]);
    await vi.advanceTimersByTimeAsync(1);
    await waitFor(() => expect(orders).toMatchObject([{ kind: "promote", node: "backup", id }]));
    expect(agent.list()).toEqual([]);
    expect((await readWaiting(place.directory)).swaps).toEqual([]);
  });

  test("survives a restart, and begins at its hour", async () => {
    agent.add({ id, node: "backup", at: start + 90 * minute });
    expect(agent.list()).toMatchObject([{ kept: false }]);
    await restarted(30 * minute);
    expect(agent.list()).toMatchObject([
      { id, node: "backup", in: 60 * minute, age: 30 * minute, kept: true },
    ]);
    await vi.advanceTimersByTimeAsync(60 * minute);
    await waitFor(() => expect(orders).toHaveLength(1));
  });

  test("whose hour passed a moment ago while no agent ran is begun", async () => {
    agent.add({ id, node: "backup", at: start + minute });
    await restarted(6 * minute);
    await waitFor(() => expect(orders).toHaveLength(1));
  });

  test("whose hour passed longer ago is missed, said, and forgotten", async () => {
    agent.add({ id, node: "backup", at: start + minute });
    await restarted(6 * minute + 1);
    expect(told.at(-1)).toMatch(
      /^warning: The waiting swap to backup \(0123456789ab\) was missed and is not begun: its hour, 2026-11-21T.+, was over for 5 min 0 s/,
    );
    await restarted(0);
    expect([orders, agent.list()]).toEqual([[], []]);
  });

  test("notices that the clock was set forward within a minute", async () => {
    agent.add({ id, node: "backup", at: start + 90 * minute });
    vi.setSystemTime(start + 91 * minute);
    await vi.advanceTimersByTimeAsync(minute);
    await waitFor(() => expect(orders).toHaveLength(1));
  });

  test("does not begin early when the clock was set back", async () => {
    agent.add({ id, node: "backup", at: start + 10 * minute });
    await vi.advanceTimersByTimeAsync(5 * minute);
    vi.setSystemTime(start - 60 * minute);
    await vi.advanceTimersByTimeAsync(30 * minute);
    await settled();
    expect([orders, agent.list()]).toMatchObject([[], [{ in: 40 * minute }]]);
  });

  test("is refused at its hour with what check calls failed", async () => {
    check = async () => ["service: port 80 never seen listening", "claim: MAC 02:00 answers"];
    agent.add({ id, node: "backup", at: start + minute });
    await vi.advanceTimersByTimeAsync(minute);
    await waitFor(() =>
      expect(told.at(-1)).toBe(
        "warning: The waiting swap to backup (0123456789ab) is refused, nothing has moved: " +
          "service: port 80 never seen listening; claim: MAC 02:00 answers",
      ),
    );
    expect([orders, agent.list()]).toEqual([[], []]);
  });

  test("is refused when check cannot be run, or the order is", async () => {
    check = () => Promise.reject(new Error("it took longer than 60000 ms"));
    agent.add({ id, node: "backup", at: start + minute });
    await vi.advanceTimersByTimeAsync(minute);
    await waitFor(() =>
      expect(told.at(-1)).toContain("failover check could not be run: it took longer"),
    );
    check = async () => [];
    refusal = "Cannot promote backup: swap x is under way";
    agent.add({ id, node: "backup", at: start + 2 * minute });
    await vi.advanceTimersByTimeAsync(minute);
    await waitFor(() => expect(told.at(-1)).toContain(`nothing has moved: ${refusal}`));
  });

  test("is done already when the other agent's was first", async () => {
    verdict = { kind: "done", sentence: "backup holds the address" };
    agent.add({ id, node: "backup", at: start + minute });
    await vi.advanceTimersByTimeAsync(minute);
    await waitFor(() =>
      expect(told.at(-1)).toBe(
        "info: The waiting swap to backup (0123456789ab) is done already: backup holds the address",
      ),
    );
    expect(orders).toEqual([]);
  });

  test("is judged as things stand after the check", async () => {
    check = async () => {
      verdict = { kind: "refused", sentences: ["the pair is frozen"] };
      return [];
    };
    agent.add({ id, node: "backup", at: start + minute });
    await vi.advanceTimersByTimeAsync(minute);
    await waitFor(() => expect(told.at(-1)).toContain("nothing has moved: the pair is frozen"));
    expect(orders).toEqual([]);
  });

  test("called off is not begun, not even while it is being checked", async () => {
    let aborted = false;
    check = (signal) =>
      new Promise((resolve) =>
        signal.addEventListener("abort", () => {
          aborted = true;
          resolve([]);
        }),
      );
    agent.add({ id, node: "backup", at: start + minute });
    await vi.advanceTimersByTimeAsync(minute);
    expect(agent.list()).toMatchObject([{ state: "checking" }]);
    expect(agent.callOff(id)).toBeUndefined();
    await settled();
    expect([aborted, orders, agent.list()]).toEqual([true, [], []]);
    expect(agent.callOff(id)).toBe(`Cannot call off ${id}: no such swap waits here`);
    await restarted(0);
    expect(agent.list()).toEqual([]);
  });

  test("waits on when the agent is stopped while it is being checked", async () => {
    check = (signal) =>
      new Promise((resolve) => signal.addEventListener("abort", () => resolve([])));
    agent.add({ id, node: "backup", at: start + minute });
    await vi.advanceTimersByTimeAsync(minute);
    await agent[Symbol.asyncDispose]();
    check = async () => [];
    await restarted(minute);
    await waitFor(() => expect(orders).toHaveLength(1));
  });

  test("waits on when the agent is stopped between its check and its order", async () => {
    agent.add({ id, node: "backup", at: start + minute });
    await settled();
    vi.advanceTimersByTime(minute);
    // Promises alone: the disk gets no turn, so that what waits is off the list and not yet off the disk.
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    expect([orders, agent.list()]).toEqual([[], []]);
    await restarted(0);
    await waitFor(() => expect(orders).toMatchObject([{ id }]));
  });

  test.each([
    ["in the past", { id, node: "backup", at: start }, / has passed$/],
    ["too far away", { id, node: "backup", at: start + 367 * 1440 * minute }, /more than a year/],
  ])("%s is refused", (_, swap, sentence) => {
    expect(agent.add(swap)).toMatch(sentence);
    expect(agent.list()).toEqual([]);
  });

  test("is refused under an id that waits, and when sixteen wait", () => {
    const add = (number: number) =>
      agent.add({ id: String(number).padStart(12, "0"), node: "backup", at: start + minute });
    for (let number = 0; number < 16; number += 1) expect(add(number)).toBeUndefined();
    expect(add(0)).toMatch(/waits already$/);
    expect(add(16)).toMatch(/16 of them wait already$/);
  });

  test("is told to be forgetful while the disk does not take it", async () => {
    await rm(place.directory, { recursive: true });
    agent.add({ id, node: "backup", at: start + 90 * minute });
    await waitFor(() => expect(troubles).toHaveLength(1));
    expect(troubles[0]).toMatch(/^Cannot write .+waiting\.json: there is no such file/);
    expect(agent.list()).toMatchObject([{ kept: false }]);
    await mkdir(place.directory);
    await vi.advanceTimersByTimeAsync(5000);
    await waitFor(() => expect(agent.list()).toMatchObject([{ kept: true }]));
  });
});

describe("the file of waiting swaps", () => {
  const swap = { id, node: "backup", at: start, askedAt: start };
  test.each([
    ["", "it is damaged"],
    ["{", "it is damaged"],
    ["null", "it is damaged"],
    ['{"waiting":[{}]}', "it is damaged"],
    [JSON.stringify({ waiting: [{ ...swap, id: "x" }] }), "it is damaged"],
    [JSON.stringify({ waiting: [{ ...swap, at: 1e17 }] }), "it is damaged"],
    [JSON.stringify({ waiting: Array.from({ length: 17 }, () => swap) }), "it is damaged"],
    ["x".repeat(70_000), "it is larger than 65536 bytes"],
  ])("%j is none, and says so", async (text, found) => {
    const path = waitingPath(place.directory);
    await writeFile(path, text, { mode: 0o600 });
    const problem = `Cannot use the waiting swaps in ${path}: ${found}`;
    expect(await readWaiting(place.directory)).toEqual({ swaps: [], problem });
  });

  test("that others can write is not believed", async () => {
    const path = waitingPath(place.directory);
    await writeFile(path, JSON.stringify({ waiting: [swap] }));
    await chmod(path, 0o666);
    expect((await readWaiting(place.directory)).problem).toContain("its mode is 0666");
  });

  test("is for its owner alone", async () => {
    agent.add({ id, node: "backup", at: start + minute });
    await waitFor(() => expect(agent.list()).toMatchObject([{ kept: true }]));
    const text = await readFile(waitingPath(place.directory), "utf8");
    expect(JSON.parse(text)).toEqual({
      waiting: [{ id, node: "backup", at: start + minute, askedAt: start }],
    });
    expect(await readWaiting(place.directory)).toMatchObject({ problem: undefined });
  });
});

describe("the verdict at the hour", () => {
  test.each([
    ["free", {}, { kind: "free" }],
    ["done", { holder: "backup" }, { kind: "done", sentence: "backup holds the address" }],
    ["under way", { handover: aHandover() }, { kind: "done" }],
    ["frozen", { frozen: true }, { kind: "refused" }],
    [
      "the other way",
      { handover: aHandover({ from: "backup", to: "primary" }) },
      { kind: "refused" },
    ],
    ["unheard", { peer: { ...aStatus().peer, heard: false, role: null } }, { kind: "refused" }],
  ])("%s", (_, changes, expected) => {
    expect(verdictOn(aStatus(changes), "backup")).toMatchObject(expected);
  });
});
