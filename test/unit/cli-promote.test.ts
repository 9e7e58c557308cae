import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

import { conclusionOf } from "../../src/cli/promote-conclusion.ts";

const pair = { from: "primary", to: "backup" };
const timeOver = { outcome: "rolled-back", reason: "its time is over" } as const;

describe("how promote ends", () => {
  test.each([
    [{ outcome: "done", reason: "" }, 0, "Done: backup holds the address"],
    [{ outcome: "refused", reason: "no carrier" }, 3, "Refused, nothing has moved: no carrier"],
    [
      { outcome: "rolled-back", reason: "2 of 4 requests failed" },
      4,
      "Rolled back: primary serves as before: 2 of 4 requests failed",
    ],
  ] as const)("%j: exit %d", (end, code, sentence) => {
    const { outcome } = end;
    expect(conclusionOf(pair, end, undefined)).toEqual({ outcome, code, sentence });
    expect(conclusionOf(pair, end, { share: 0.05, span: 300_000 }).code).toBe(code);
  });

  test("a share that goes back because its time is over has done what was asked for", () => {
    expect(conclusionOf(pair, timeOver, { share: 0.05, span: 300_000 })).toEqual({
      outcome: "done",
      code: 0,
      sentence:
        "Done: backup served 5 % of new connections for 5 min 0 s, its time is over, " +
        "and primary serves as before",
    });
  });

  test("a swap that should have gone on from the share, and came too late, has not", () => {
    expect(conclusionOf(pair, timeOver, undefined).code).toBe(4);
  });

  test("the end of the time has the core's own words", () => {
    const story = new URL("../transcripts/drain-preview.txt", import.meta.url);
    expect(readFileSync(story, "utf8")).toContain(`rolled back: ${timeOver.reason}`);
  });
});
