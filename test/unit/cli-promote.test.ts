import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

import { exitCodes } from "../../src/cli/failure.ts";
import { conclusionOf } from "../../src/cli/promote-conclusion.ts";
import { refuseMeanwhile, refuseMisfits } from "../../src/cli/promote-refusals.ts";
import { aHandover, aStatus } from "./cli-fixtures.ts";

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
    expect(conclusionOf(pair, end, "primary", undefined)).toEqual({ outcome, code, sentence });
    expect(conclusionOf(pair, end, "primary", { share: 0.05, span: 300_000 }).code).toBe(code);
  });

  test.each(["backup", undefined])(
    "does not say that the first holder serves while %s does",
    (who) => {
      const end = { outcome: "rolled-back", reason: "primary lost the address meanwhile" } as const;
      expect(conclusionOf(pair, end, who, undefined)).toMatchObject({
        sentence:
          "Rolled back: primary lost the address meanwhile; failover status tells who holds the address",
        code: 4,
      });
    },
  );

  test("a share that goes back because its time is over has done what was asked for", () => {
    expect(conclusionOf(pair, timeOver, "primary", { share: 0.05, span: 300_000 })).toEqual({
      outcome: "done",
      code: 0,
      sentence:
        "Done: backup served 5 % of new connections for 5 min 0 s, its time is over, " +
        "and primary serves as before",
    });
  });

  test("a swap that should have gone on from the share, and came too late, has not", () => {
    expect(conclusionOf(pair, timeOver, "primary", undefined).code).toBe(4);
  });

  test("the end of the time has the core's own words", () => {
    const story = new URL("../transcripts/drain-preview.txt", import.meta.url);
    expect(readFileSync(story, "utf8")).toContain(`rolled back: ${timeOver.reason}`);
  });
});

describe("what is typed with promote", () => {
  const typed = { node: "backup", cut: false };

  test.each([
    [{ for: 300_000 }, "Cannot use --for: it belongs to --share"],
    [{ for: 300_000, at: "03:40" }, "Cannot use --for: it belongs to --share"],
    [{ within: 3_600_000 }, "Cannot use --within: it belongs to --at quiet"],
    [{ within: 3_600_000, at: "+2h" }, "Cannot use --within: it belongs to --at quiet"],
    [{ share: 0.05, at: "+2h" }, "a swap that waits goes as configured"],
  ])("%j is not read and then forgotten", (options, sentence) => {
    expect(() => refuseMisfits({ ...typed, ...options })).toThrow(sentence);
  });

  test.each([
    [{}],
    [{ share: 0.05, for: 300_000, drain: 1000 }],
    [{ at: "quiet", within: 3_600_000 }],
    [{ cut: true }],
  ])("%j goes together", (options) => {
    refuseMisfits({ ...typed, ...options });
  });
});

describe("a swap that is under way", () => {
  const giving = aHandover({ phase: "proved", mode: "drain" });

  test.each(["primary", "backup"])("keeps %s from being promoted", (node) => {
    const promoting = () => refuseMeanwhile(node, aStatus({ handover: giving }));
    expect(promoting).toThrow(
      expect.objectContaining({
        exitCode: exitCodes.refused,
        message: `Cannot promote ${node}: the handover primary → backup is not over yet`,
      }),
    );
  });

  test("may be a share, of which the other machine alone can tell", () => {
    const status = aStatus({ node: "backup", handover: giving });
    expect(() => refuseMeanwhile("primary", status)).toThrow(
      "is not over yet; a share that is held is told to go on, or back, on primary",
    );
  });

  test("that is held is told more", () => {
    refuseMeanwhile("backup", aStatus({ handover: { ...giving, held: true } }));
    refuseMeanwhile("backup", aStatus());
  });
});
