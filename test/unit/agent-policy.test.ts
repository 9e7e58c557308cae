import { describe, expect, it } from "vitest";

import type { Policy } from "../../src/core/policy.ts";
import { millis } from "../../src/core/time.ts";
import { policyOf, Wire } from "./agent-wire.ts";

type Times = Partial<Policy>;
const quick: Times = { interval: millis(20), deadTime: millis(30) };
const slow: Times = { interval: millis(1000), deadTime: millis(3000) };

/** Everything that either machine told since the pair was settled. */
const told = ({ kernels }: Wire) => [...kernels.primary.told, ...kernels.backup.told];

const use = (wire: Wire, node: "primary" | "backup", changes: Times) =>
  wire[node].usePolicy(policyOf(node, changes), [], wire.now);

const sentIn = (wire: Wire, node: "primary" | "backup", span: number): number => {
  const record = wire[node].paths[0];
  const before = record?.sent ?? 0;
  wire.pass(span);
  return (record?.sent ?? 0) - before;
};

describe("a policy is replaced on one machine, then on the other", () => {
  const orders = [
    ["backup", "primary"],
    ["primary", "backup"],
  ] as const;
  const turns = [
    { name: "shorter", changes: quick },
    { name: "longer", changes: slow },
  ];
  const cases = orders.flatMap((order) => turns.map((turn) => ({ order, ...turn })));

  it.each(cases)(
    "$name times, $order.0 first: nobody asks, nothing moves",
    ({ order, changes }) => {
      const [first, second] = order;
      const wire = new Wire();
      wire.settle();
      const { epoch } = wire.primary.state;
      wire.pass(70);
      use(wire, first, changes);
      // A machine that is never told goes on with its own times, and neither asks.
      wire.pass(20_000);
      use(wire, second, changes);
      wire.pass(20_000);

      expect(told(wire)).toEqual([]);
      expect(wire.lost).toEqual([]);
      expect(wire.primary.state.role.kind).toBe("hold");
      expect(wire.primary.state.epoch).toBe(epoch);
      for (const node of orders[0]) expect(wire[node].policy).toMatchObject(changes);
    },
  );

  it("beats as often as the quicker of the two waits for", () => {
    const wire = new Wire();
    wire.settle();
    use(wire, "primary", slow);
    expect(sentIn(wire, "primary", 10_000)).toBeGreaterThanOrEqual(100);
    use(wire, "backup", slow);
    wire.pass(1000);
    expect(sentIn(wire, "primary", 10_000)).toBeLessThanOrEqual(12);
  });

  it("is patient until the peer has heard how patient it is to be", () => {
    const wire = new Wire();
    wire.settle();
    use(wire, "backup", quick);
    expect(wire.backup.policy).toMatchObject({ interval: 100, deadTime: 300 });
    wire.pass(200);
    expect(wire.backup.policy).toMatchObject(quick);
  });
});

describe("a lease is replaced while it is held", () => {
  it.each([60_000, 2000, 10_000])("by %d ms: never unrenewed, never let go", (next) => {
    const wire = new Wire();
    wire.settle();
    for (const lease of [20_000, next]) {
      for (const node of ["primary", "backup"] as const) use(wire, node, { lease: millis(lease) });
      // In the middle of a long pause between two renewals.
      wire.pass(10_070);
      expect(wire.primary.policy.lease).toBe(lease);
      expect(wire.kernels.primary.lease).toBe(lease);
    }
    expect(told(wire)).toEqual([]);
    expect(wire.kernels.primary.lost).toBe(0);
    expect(wire.primary.state.role.kind).toBe("hold");
  });

  it("a shorter one is told to the peer when it is in force", () => {
    const wire = new Wire();
    wire.settle();
    use(wire, "primary", { lease: millis(20_000) });
    wire.pass(5000);
    use(wire, "primary", { lease: millis(2000) });
    const heard = () => {
      const { peer } = wire.backup.state;
      return peer.kind === "heard" ? peer.beat.lease : undefined;
    };
    wire.pass(200);
    expect(heard()).toBe(20_000);
    wire.pass(3000);
    expect(heard()).toBe(2000);
  });
});

it("what the old configuration asked is forgotten, and nothing else", () => {
  const wire = new Wire();
  wire.settle();
  const { primary } = wire;
  primary.handle({ kind: "service-observed", listening: true }, wire.now);
  primary.handle({ kind: "witness-answered", mac: undefined }, wire.now);
  const { self, ...rest } = primary.state;

  primary.usePolicy(policyOf("primary", { witness: true }), ["service"], wire.now);
  expect(primary.state.self.service).toEqual({ listening: false, listenedAt: undefined });
  expect(primary.state.self.presence).toBe(self.presence);
  expect(primary.state.witness.seenAt).toBe(rest.witness.seenAt);

  primary.usePolicy(policyOf("primary", { witness: true }), ["witness"], wire.now);
  expect(primary.state.witness).toMatchObject({ seenAt: undefined, broken: true });
  expect(primary.state.role.kind).toBe("hold");
});
