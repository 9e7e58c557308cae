import { describe, expect, test } from "vitest";

import type { SwapPolicy } from "../../src/core/policy.ts";
import { prove } from "../../src/core/proof.ts";
import type { Counts, Receiving } from "../../src/core/swap.ts";
import { instant, millis } from "../../src/core/time.ts";

const swap: SwapPolicy = {
  mode: "drain",
  steps: [1],
  warmTime: millis(4000),
  drainTime: millis(60_000),
  minRequests: 10,
  maxErrorRate: 0.01,
  verifyTime: millis(30_000),
};
const counts = (requests: number, errors: number, span = 10_000): Counts => ({
  requests,
  errors,
  span: millis(span),
});

const verifying = (baseline: Counts, counted: Counts, tagged = false): Receiving => ({
  kind: "receiving",
  id: "000000000001",
  since: instant(0),
  phase: "verifying",
  to: "02:00:00:00:00:12",
  step: -1,
  share: 1,
  provisional: false,
  baseline,
  counted,
  tagged,
  reason: "",
});

const busy = counts(2000, 0);

describe("the proof of a swap", () => {
  test.each([
    ["enough requests without errors", busy, counts(10, 0), false, 1000, "proved"],
    ["one request too few", busy, counts(9, 0), false, 1000, "open"],
    ["one request too few at the end", busy, counts(9, 0), false, 30_000, "failed"],
    ["too many errors, and few requests", busy, counts(10, 1), false, 1000, "open"],
    ["too many errors, and many requests", busy, counts(30, 1), false, 1000, "failed"],
    ["as many errors as the holder had", counts(100, 10), counts(100, 11), false, 1000, "proved"],
    ["more errors than the holder had", counts(100, 10), counts(100, 12), false, 1000, "failed"],
    ["a quiet site, and our own request", counts(1, 0), counts(0, 0), true, 1000, "proved"],
    ["a quiet site that was never busy", counts(0, 0), counts(0, 0), true, 1000, "proved"],
    ["a quiet site without our request", counts(1, 0), counts(0, 0), false, 30_000, "failed"],
    ["a quiet site with an error", counts(1, 0), counts(1, 1), true, 30_000, "failed"],
    ["a busy site and only our request", busy, counts(0, 0), true, 30_000, "failed"],
  ] as const)("%s", (_, baseline, counted, tagged, at, kind) => {
    expect(prove(verifying(baseline, counted, tagged), instant(at), swap).kind).toBe(kind);
  });

  test.each([
    ["what a share brings, without errors", 0.05, busy, counts(3, 0), 30_000, "proved"],
    ["what a share brings, before its time", 0.05, busy, counts(3, 0), 29_000, "open"],
    ["what a share brings, with an error", 0.05, busy, counts(3, 1), 30_000, "failed"],
    ["too little of everything", 1, busy, counts(3, 0), 30_000, "failed"],
    ["nothing yet on a quiet site", 1, counts(1, 0), counts(0, 0), 0, "proved"],
    ["an error on a quiet site", 1, counts(1, 0), counts(1, 1), 1000, "open"],
  ] as const)("before the move: %s", (_, share, baseline, counted, at, kind) => {
    const serving = { ...verifying(baseline, counted), phase: "serving", share } as const;
    expect(prove(serving, instant(at), swap).kind).toBe(kind);
  });

  test("on a quiet site is provisional until the address has moved", () => {
    const quiet = verifying(counts(1, 0), counts(0, 0));
    expect(prove({ ...quiet, phase: "serving" }, instant(0), swap)).toMatchObject({
      provisional: true,
    });
    expect(prove({ ...quiet, tagged: true }, instant(0), swap)).toMatchObject({
      provisional: false,
    });
  });
});
