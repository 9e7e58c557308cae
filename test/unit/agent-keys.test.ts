import { expect, test } from "vitest";

import { ringOf, Wire } from "./agent-wire.ts";

test("a key is changed on both machines while they run, and no beat is refused", () => {
  const wire = new Wire();
  const { primary, backup } = wire;
  wire.pass(1000);
  expect(primary.keys(wire.now)).toEqual({ accepted: [1], peer: { signed: 1, newest: 1 } });

  expect(primary.useKeys(ringOf(1, 2), wire.now)).toBe("used");
  wire.pass(300);
  expect(backup.keys(wire.now).peer).toEqual({ signed: 1, newest: 2 });
  expect(backup.useKeys(ringOf(1, 2), wire.now)).toBe("used");
  wire.pass(300);
  expect(primary.keys(wire.now).peer).toEqual({ signed: 2, newest: 2 });
  expect(backup.useKeys(ringOf(2), wire.now)).toBe("used");
  wire.pass(300);
  expect(primary.useKeys(ringOf(2), wire.now)).toBe("used");
  wire.pass(1000);
  expect(backup.keys(wire.now)).toEqual({ accepted: [2], peer: { signed: 2, newest: 2 } });
  expect(wire.lost).toEqual([]);
});

test("a ring without the key that the peer signs with is refused, and the old one stays", () => {
  const wire = new Wire();
  wire.pass(1000);
  expect(wire.primary.useKeys(ringOf(2), wire.now)).toBe("deaf");
  wire.pass(1000);
  expect(wire.primary.keys(wire.now).accepted).toEqual([1]);
  expect(wire.lost).toEqual([]);
});

test("with nobody to hear, any ring is used", () => {
  const wire = new Wire();
  expect(wire.primary.useKeys(ringOf(2), wire.now)).toBe("used");
  expect(wire.primary.keys(wire.now)).toEqual({ accepted: [2], peer: undefined });
});
