import { expect, test } from "vitest";

import type { Sample } from "../../src/practice/samples.ts";
import { drawTimeline } from "../../src/practice/timeline.ts";

/** An answer every 10 ms from `from` up to and including `to`. */
const answers = (who: string, from: number, to: number): Sample[] =>
  Array.from({ length: (to - from) / 10 + 1 }, (_, index) => ({
    kind: "answer",
    at: from + index * 10,
    took: 1,
    who,
  }));

const takeover = [...answers("primary", 0, 400), ...answers("backup", 600, 1000)];
const span = { from: 0, to: 1000 };

test("a takeover is drawn as the old shade, dots, and the new shade, in proportion", () => {
  expect(drawTimeline(takeover, span, { width: 10 })).toBe("primary ████··▓▓▓▓ backup");
});

test("plain ASCII where there are no block characters", () => {
  expect(drawTimeline(takeover, span, { width: 10, unicode: false })).toBe(
    "primary ####..==== backup",
  );
});

test("a machine keeps its shade in every picture when the order is given", () => {
  const machines = ["primary", "backup"];
  expect(drawTimeline(answers("backup", 0, 1000), span, { width: 5, machines })).toBe(
    "backup ▓▓▓▓▓",
  );
});

test("a stretch no longer than darkAfter is not a gap", () => {
  const samples = [...answers("primary", 0, 500), ...answers("primary", 530, 1000)];
  expect(drawTimeline(samples, span, { width: 100 })).not.toContain("·");
  expect(drawTimeline(samples, span, { width: 100, darkAfter: 20 })).toContain("···");
});

test("failures draw nothing: a service that only fails is dark", () => {
  const failure: Sample = { kind: "failure", at: 500, took: 1, why: "ECONNREFUSED" };
  expect(drawTimeline([failure], span, { width: 4 })).toBe("nobody ····");
});

test("a service that does not come back is dark to the end of the span", () => {
  expect(drawTimeline(answers("primary", 0, 500), span, { width: 10 })).toBe("primary █████·····");
});
