import { describe, expect, test } from "vitest";

import { type OrderState, refusalOf } from "../../src/cli/daemon/order-refusal.ts";
import type { Order } from "../../src/core/event.ts";
import { instant, millis } from "../../src/core/time.ts";
import { configuration } from "./cli-fixtures.ts";

/** backup, which stands by and takes part in no swap. */
const standby: OrderState = {
  role: { kind: "standby", since: instant(0) },
  handover: { kind: "none", last: undefined },
};

const promote: Extract<Order, { kind: "promote" }> = {
  kind: "promote",
  node: "backup",
  id: "0123456789ab",
  cut: false,
  hold: undefined,
  drainTime: undefined,
};

const share = { share: 0.05, span: millis(60_000) };

describe("an order typed on the standby", () => {
  test.each<[string, Order, string | undefined]>([
    ["a swap", promote, undefined],
    [
      "a share",
      { ...promote, hold: share },
      "Cannot promote backup with --share here: backup does not hold the address; type the same command on primary",
    ],
    [
      "a time to drain",
      { ...promote, drainTime: millis(1000) },
      "Cannot promote backup with --drain here: backup does not hold the address; type the same command on primary",
    ],
    [
      "a preview",
      { kind: "preview", id: promote.id, testers: ["192.0.2.7"], span: millis(1000) },
      "Cannot begin a preview: backup does not hold the address; type the same command on primary",
    ],
    [
      "the end of a preview",
      { kind: "recall" },
      "Cannot call anything back: neither a share nor a preview is held here; type the same command on primary",
    ],
    [
      "a stranger",
      { ...promote, node: "third" },
      "Cannot promote third: the nodes are primary and backup",
    ],
  ])("%s", (_, order, refusal) => {
    expect(refusalOf(order, standby, configuration, "backup")).toBe(refusal);
  });
});
