import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { ReplayWindow } from "../../src/protocol/replay-window.ts";

describe("the replay window", () => {
  it.each<[string, number, [number, "newest" | "older" | "refused"][]]>([
    [
      "accepts in order",
      1,
      [
        [1, "newest"],
        [2, "newest"],
        [3, "newest"],
      ],
    ],
    [
      "refuses what it heard",
      1,
      [
        [1, "newest"],
        [1, "refused"],
        [2, "newest"],
        [1, "refused"],
      ],
    ],
    [
      "accepts the overtaken once",
      1,
      [
        [5, "newest"],
        [3, "older"],
        [3, "refused"],
        [6, "newest"],
      ],
    ],
    [
      "refuses what was sent before it began",
      9,
      [
        [9, "newest"],
        [8, "refused"],
        [10, "newest"],
      ],
    ],
    [
      "still knows 993 counters back",
      1,
      [
        [2000, "newest"],
        [1008, "older"],
        [1008, "refused"],
      ],
    ],
    [
      "refuses what is too old to know",
      1,
      [
        [2000, "newest"],
        [900, "refused"],
        [975, "refused"],
      ],
    ],
    [
      "forgets nothing over a leap",
      1,
      [
        [40, "newest"],
        [1040, "newest"],
        [40, "refused"],
      ],
    ],
    [
      "leaps far",
      1,
      [
        [1, "newest"],
        [2 ** 53 - 1, "newest"],
        [2 ** 53 - 2, "older"],
      ],
    ],
    [
      "is clean after a leap",
      1,
      [
        [33, "newest"],
        [1057, "newest"],
        [1056, "older"],
        [1030, "older"],
      ],
    ],
    [
      "crosses a block",
      31,
      [
        [31, "newest"],
        [33, "newest"],
        [32, "older"],
        [32, "refused"],
      ],
    ],
  ])("%s", (_title, first, heard) => {
    const window = new ReplayWindow(first);
    expect(heard.map(([counter]) => [counter, window.accept(counter)])).toEqual(heard);
  });

  it("accepts each counter at most once, and all that are less than 993 late", () => {
    const counters = fc.array(fc.integer({ min: 1, max: 4000 }), { maxLength: 400 });
    fc.assert(
      fc.property(counters, (heard) => {
        const window = new ReplayWindow(1);
        const accepted = new Set<number>();
        let newest = 0;
        for (const counter of heard) {
          const order = window.accept(counter);
          if (accepted.has(counter)) expect(order).toBe("refused");
          else if (counter > newest) expect(order).toBe("newest");
          else if (newest - counter < 993) expect(order).toBe("older");
          if (order !== "refused") accepted.add(counter);
          newest = Math.max(newest, counter);
        }
      }),
      { numRuns: 1000, seed: 6479 },
    );
  });
});
