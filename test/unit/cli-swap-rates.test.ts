import { describe, expect, test } from "vitest";

import {
  beginProgress,
  progressAfter,
  rateLines,
  stepsOf,
} from "../../src/cli/handover-progress.ts";
import { RecentWatch } from "../../src/cli/daemon/recent-traffic.ts";
import type { HandoverStatus, Status } from "../../src/cli/status.ts";
import { aHandover, aStatus } from "./cli-fixtures.ts";

const id = "0123456789ab";
const begun = beginProgress("primary", "backup", 10);

/** The target has counted so much when the swap is so old. */
const serving = (age: number, requests: number, errors = 0): Partial<HandoverStatus> => ({
  phase: "serving",
  mode: "drain",
  age,
  served: { requests, errors, span: age },
  connections: { from: 12, to: 3 },
});

const own = { requests: 205, errors: 1, span: 5000, age: 400 };

/** The lines below the list after these statuses, on the holder unless it is said otherwise. */
function lines(handovers: readonly Partial<HandoverStatus>[], changes: Partial<Status> = {}) {
  const progress = handovers.reduce(
    (so, handover) =>
      progressAfter(so, aStatus({ traffic: own, ...changes, handover: aHandover(handover) }), id),
    begun,
  );
  return rateLines(progress);
}

const holders = "primary  41 requests/s, 0.2 errors/s, 12 connections";

describe("what both machines serve in a second", () => {
  test("is told on the holder of itself and of the target, while that one counts", () => {
    expect(lines([serving(1000, 4)])).toEqual([holders]);
    expect(lines([serving(1000, 4), serving(3000, 23, 1)])).toEqual([
      holders,
      "backup   9.5 requests/s, 0.5 errors/s, 3 connections",
    ]);
  });

  test("goes down to nothing where nobody comes any more", () => {
    const quiet = [serving(1000, 4), serving(3000, 24), serving(5000, 24)];
    expect(lines(quiet)[1]).toBe("backup   0 requests/s, 0 errors/s, 3 connections");
  });

  test("begins anew with each step", () => {
    expect(lines([serving(1000, 4), serving(3000, 24), serving(3500, 2)])).toEqual([holders]);
    const next = [serving(1000, 40), serving(3000, 2), serving(5000, 12)];
    expect(lines(next)[1]).toBe("backup   5 requests/s, 0 errors/s, 3 connections");
  });

  test("is told of itself alone by the target, and by a holder whose address has moved", () => {
    expect(lines([serving(1000, 4), serving(3000, 24)], { node: "backup" })).toEqual([
      "backup   41 requests/s, 0.2 errors/s, 3 connections",
    ]);
    const moved = { ...serving(6000, 24), phase: "draining" } as const;
    expect(lines([serving(1000, 4), serving(3000, 24), moved])).toEqual([holders]);
  });

  test("is left out where nothing is known", () => {
    expect(lines([serving(1000, 4)], { traffic: null })).toEqual([]);
  });
});

test("stragglers that only the other machine counts are not said to be none", () => {
  const handover = aHandover({
    phase: "draining",
    mode: "drain",
    connections: { from: 2, to: 90 },
    stragglers: null,
  });
  const steps = stepsOf(progressAfter(begun, aStatus({ node: "backup", handover }), id));
  expect(steps.at(-1)?.detail).toBe("2 connections left");
});

test("the access_log is asked once a second at most, and an answer waits for the next look", async () => {
  let asked = 0;
  const watch = new RecentWatch(async (span) => {
    asked += 1;
    return { requests: 7, errors: 0, span };
  });
  expect(watch.look()).toBeNull();
  await Promise.resolve();
  expect(watch.look()).toMatchObject({ requests: 7, errors: 0, span: 5000 });
  expect(asked).toBe(1);
});

test("an access_log that cannot be asked is not known", async () => {
  const watch = new RecentWatch(() => Promise.reject(new Error("the watch was stopped")));
  expect(watch.look()).toBeNull();
  await Promise.resolve();
  expect(watch.look()).toBeNull();
});
