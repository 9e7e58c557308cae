import { expect, test } from "vitest";

import { companyFindings } from "../../src/cli/check/company-findings.ts";
import { hearingOf } from "../../src/cli/hearing.ts";
import type { Link } from "../../src/linux/links.ts";
import type { LocalAddress } from "../../src/linux/network-facts.ts";
import { configurationOf } from "./cli-fixtures.ts";

const file = (takeover: string, device: string): string => `
pair: www
address: 203.0.113.10
key: /etc/failover/key
takeover: ${takeover}
nodes:
  primary: { interface: ${device}, paths: [10.0.0.1, 192.168.250.1] }
  backup: { interface: ${device}, paths: [10.0.0.2, 192.168.250.2] }
`;

const local = [
  { interface: "eth0", address: "10.0.0.1", prefixLength: 24, validFor: "forever" },
  { interface: "eth1", address: "203.0.113.10", prefixLength: 32, validFor: 2 },
  { interface: "eth2", address: "192.168.250.1", prefixLength: 24, validFor: "forever" },
] as const;

const link = (name: string, kind?: string, more: Partial<Link> = {}): Link => ({
  name,
  kind,
  master: undefined,
  below: undefined,
  ...more,
});

const plain = ["eth0", "eth1", "eth2"].map((name) => link(name));

const hearing = (takeover: string, device: string, all: readonly Link[] = plain) => {
  const configuration = configurationOf(file(takeover, device));
  return hearingOf(configuration, configuration.nodes[0], local, all);
};

test("where addresses move, the machines hear each other on the network of the service", () => {
  expect(hearing("address", "eth0")).toEqual({
    servicePaths: [true, false],
    heartbeatInterface: undefined,
  });
  expect(hearing("address", "eth1").servicePaths).toEqual([false, false]);
});

test("where the interface is taken over, the first path's stands in for it", () => {
  expect(hearing("link", "eth1")).toEqual({
    servicePaths: [true, false],
    heartbeatInterface: "eth0",
  });
});

test("a path on an interface that goes down is refused", () => {
  expect(() => hearing("link", "eth2")).toThrow(
    "Cannot take over eth2 as a whole: the path 192.168.250.1 of primary is on it",
  );
});

test.each<[string, readonly Link[]]>([
  ["a vlan", [link("eth2", "vlan", { below: "eth1" }), link("eth1")]],
  [
    "a macvlan on a vlan",
    [
      link("eth2", "macvlan", { below: "eth1.7" }),
      link("eth1.7", "vlan", { below: "eth1" }),
      link("eth1"),
    ],
  ],
  ["a bridge", [link("eth2", "bridge"), link("eth1", undefined, { master: "eth2" })]],
])("a path on %s that stands on such an interface is refused", (_, all) => {
  expect(() => hearing("link", "eth1", all)).toThrow(
    "Cannot take over eth1 as a whole: the path 192.168.250.1 of primary is on eth2, which stands on it, and ends",
  );
});

test("a path below, or beside it on the same card, stays", () => {
  const all = [
    link("eth1", "vlan", { below: "eth0" }),
    link("eth2", "vlan", { below: "eth0" }),
    link("eth0"),
  ];
  expect(hearing("link", "eth1", all).heartbeatInterface).toBe("eth0");
});

test("check names what else goes down with the interface", () => {
  const more = [
    ...local,
    { interface: "eth1", address: "fe80::1", prefixLength: 64, validFor: "forever" },
    { interface: "eth1.5", address: "198.51.100.7", prefixLength: 24, validFor: "forever" },
    { interface: "eth1", address: "203.0.113.77", prefixLength: 32, validFor: 2 },
  ] as const;
  const all = [...plain, link("eth1.5", "vlan", { below: "eth1" })];
  const found = (takeover: string, there: readonly LocalAddress[]): readonly string[] => {
    const configuration = configurationOf(file(takeover, "eth1"));
    const [here] = configuration.nodes;
    return companyFindings(configuration, here, { local: there, all }).map(
      (one) => `${one.level}: ${one.found}`,
    );
  };
  expect(found("address", more)).toEqual([]);
  expect(found("link", local)).toEqual(["ok: nothing but the service is on eth1"]);
  expect(found("link", more)).toEqual([
    "warning: eth1 goes down while it is free, and 198.51.100.7 on eth1.5 with it",
    "warning: eth1 goes down while it is free, and 203.0.113.77 on eth1 with it",
  ]);
});

test("a first path that is nowhere is refused", () => {
  const configuration = configurationOf(file("link", "eth1"));
  expect(() => hearingOf(configuration, configuration.nodes[1], local, plain)).toThrow(
    "Cannot tell where backup hears the other machine: its first path 10.0.0.2 is no address",
  );
});
