import { expect, test } from "vitest";

import { occupied } from "../../src/cli/check/route-findings.ts";

const there = [
  { metric: 0, device: "eth0", protocol: "3" },
  { metric: 100, device: "wlan0", protocol: "16" },
];

test("a place that a route of the machine's own has is named, with its interface", () => {
  expect(occupied("default via 203.0.113.1 dev eth1", there)).toMatchObject([
    {
      level: "warning",
      found:
        'this machine has a route of its own to default, by eth0, so "default via 203.0.113.1 dev eth1" cannot be added',
    },
  ]);
  expect(occupied("default via 203.0.113.1 metric 100", there)).toHaveLength(1);
});

test("another metric or another table is another place", () => {
  expect(occupied("default via 203.0.113.1 metric 50", there)).toEqual([]);
  expect(occupied("default via 203.0.113.1 table 7", there)).toEqual([]);
  expect(occupied("198.51.100.0/24 dev eth1", [])).toEqual([]);
  expect(occupied("default via fe80::1 dev eth1", there)).toEqual([]);
  expect(
    occupied("default via fe80::1 dev eth1", [{ metric: 1024, device: "eth0", protocol: "9" }]),
  ).toHaveLength(1);
});

test("a route with the agent's mark is in its own place", () => {
  expect(
    occupied("default via 203.0.113.1", [{ metric: 0, device: "eth1", protocol: "94" }]),
  ).toEqual([]);
});
