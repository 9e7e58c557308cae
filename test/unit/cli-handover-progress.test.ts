import { expect, test } from "vitest";

import { beginProgress, progressAfter, stepsOf } from "../../src/cli/handover-progress.ts";
import type { HandoverEnd, Status } from "../../src/cli/status.ts";
import { aHandover, aStatus } from "./cli-fixtures.ts";

const id = "0123456789ab";
const begun = beginProgress("primary", "backup", 10);

const counts = (requests: number, errors: number) => ({ requests, errors, span: 1000 });
const end = (outcome: HandoverEnd["outcome"], reason: string): HandoverEnd => ({
  id,
  from: "primary",
  to: "backup",
  outcome,
  reason,
  served: outcome === "refused" ? null : counts(12, 0),
  age: 3,
});

/** The list after a row of statuses, one character a step: waiting, going on, done, failed. */
function told(statuses: readonly Partial<Status>[]): string {
  const marks = { waiting: ".", "going on": ">", done: "+", failed: "x" } as const;
  const progress = statuses.reduce((so, changes) => progressAfter(so, aStatus(changes), id), begun);
  return stepsOf(progress)
    .map(({ state }) => marks[state])
    .join("");
}

test.each([
  ["wanted", ">...."],
  ["measuring", ">...."],
  ["prepare", "+>..."],
  ["ready", "++>.."],
  ["released", "+++>."],
  ["verifying", "++++>"],
  ["done", "+++++"],
] as const)("the phase %s shows as %s", (phase, list) => {
  expect(told([{ handover: aHandover({ phase }) }])).toBe(list);
});

test.each([
  ["ready", "+>..."],
  ["diverting", "++>.."],
  ["proved", "++>.."],
  ["telling", "+++>."],
  ["moving", "+++>."],
  ["draining", "++++>"],
  ["done", "+++++"],
] as const)("in drain mode the phase %s shows as %s", (phase, list) => {
  expect(told([{ handover: aHandover({ phase, mode: "drain" }) }])).toBe(list);
});

test("in drain mode the share, the proof and what is left are told", () => {
  const handover = aHandover({
    phase: "draining",
    mode: "drain",
    share: 0.05,
    served: counts(4, 0),
    connections: { from: 7, to: 90 },
    stragglers: 1,
  });
  const details = stepsOf(progressAfter(begun, aStatus({ handover }), id)).map(
    (step) => step.detail,
  );
  expect(details.slice(2)).toEqual([
    "5 % of new connections, 4 of 10 requests, 0 errors",
    "",
    "7 connections, 1 straggler left",
  ]);
});

test("an older word of the other side takes nothing back", () => {
  const ready = { handover: aHandover({ phase: "ready" }) };
  const prepare = { handover: aHandover({ phase: "prepare" }) };
  expect(told([ready, prepare])).toBe("++>..");
});

test("a refusal fails the step that was going on", () => {
  const preparing = { handover: aHandover({ phase: "prepare" }) };
  expect(told([preparing, { lastHandover: end("refused", "the page is missing") }])).toBe("+x...");
});

test("proof that does not come leads back", () => {
  const verifying = { handover: aHandover({ phase: "verifying", served: counts(3, 3) }) };
  const returning = { handover: aHandover({ phase: "returning" }) };
  expect(told([verifying, returning])).toBe("++++x>");
  expect(told([verifying, returning, { lastHandover: end("rolled-back", "errors") }])).toBe(
    "++++x+",
  );
});

test("a share whose time is over has failed nothing", () => {
  const serving = { handover: aHandover({ phase: "proved", mode: "drain", held: true }) };
  expect(told([serving, { lastHandover: end("rolled-back", "its time is over") }])).toBe("+++..+");
});

test("the counts stand beside their steps", () => {
  const handover = aHandover({
    phase: "verifying",
    baseline: counts(412, 1),
    served: counts(7, 0),
  });
  const steps = stepsOf(progressAfter(begun, aStatus({ handover }), id));
  expect(steps.map(({ title, detail }) => [title, detail])).toEqual([
    ["primary measures what it serves", "412 requests, 1 error"],
    ["backup gets ready, unseen", ""],
    ["primary lets the address go", ""],
    ["backup takes the address", ""],
    ["backup serves", "7 of 10 requests, 0 errors"],
  ]);
});

test("another handover says nothing of this one", () => {
  const handover = aHandover({ id: "ffffffffffff", phase: "done" });
  const lastHandover = { ...end("done", ""), id: "ffffffffffff" };
  expect(progressAfter(begun, aStatus({ handover, lastHandover }), id)).toBe(begun);
});

test("a status that says nothing new changes nothing", () => {
  const status = aStatus({ handover: aHandover() });
  const once = progressAfter(begun, status, id);
  expect(progressAfter(once, status, id)).toBe(once);
});

test("an outcome is kept once it is known", () => {
  const done = progressAfter(begun, aStatus({ lastHandover: end("done", "") }), id);
  expect(done.end).toEqual({ outcome: "done", reason: "" });
  expect(progressAfter(done, aStatus({ lastHandover: end("refused", "x") }), id).end).toBe(
    done.end,
  );
});
