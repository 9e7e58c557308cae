import { expect, test } from "vitest";

import { faultTable } from "../../src/practice/faults.ts";

const rules = (table: string): string[] =>
  table
    .split("\n")
    .filter((line) => line.endsWith(" drop"))
    .map((line) => line.trim());

test("the table replaces itself in one transaction, also when no fault is left", () => {
  expect(faultTable([]).split("\n").slice(0, 3)).toEqual([
    "table bridge faults",
    "delete table bridge faults",
    "table bridge faults {",
  ]);
  expect(rules(faultTable([]))).toEqual([]);
});

test("a fault between two machines hits the service network and the cable, in one direction", () => {
  expect(rules(faultTable([{ from: "primary", to: "backup" }]))).toEqual([
    'iifname { "primary", "primary-cable" } oifname { "backup", "backup-cable" } drop',
  ]);
});

test("a fault of one path leaves the other alone", () => {
  expect(rules(faultTable([{ from: "primary", to: "backup", path: "service" }]))).toEqual([
    'iifname { "primary" } oifname { "backup" } drop',
  ]);
  expect(rules(faultTable([{ from: "primary", to: "backup", path: "cable" }]))).toEqual([
    'iifname { "primary-cable" } oifname { "backup-cable" } drop',
  ]);
});

test("udp is matched in both families, arp together with IPv6 neighbour discovery", () => {
  expect(rules(faultTable([{ what: "udp" }]))[0]).toContain("meta l4proto udp drop");
  const [arp, discovery] = rules(faultTable([{ what: "arp" }]));
  expect(arp).toContain("ether type arp drop");
  expect(discovery).toContain("nd-neighbor-solicit, nd-neighbor-advert } drop");
});

test("loss is drawn for each frame", () => {
  const [rule] = rules(faultTable([{ from: "client", to: "primary", percent: 10 }]));
  expect(rule).toContain("numgen random mod 100 < 10 drop");
});

test("a station without a cable has no port there", () => {
  expect(rules(faultTable([{ from: "gateway", to: "primary" }]))[0]).toMatch(
    /^iifname \{ "gateway" \}/,
  );
});
