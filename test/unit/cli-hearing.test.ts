import { expect, test } from "vitest";

import { hearingOf } from "../../src/cli/hearing.ts";
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

const hearing = (takeover: string, device: string) => {
  const configuration = configurationOf(file(takeover, device));
  return hearingOf(configuration, configuration.nodes[0], local);
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

test("a first path that is nowhere is refused", () => {
  const configuration = configurationOf(file("link", "eth1"));
  expect(() => hearingOf(configuration, configuration.nodes[1], local)).toThrow(
    "Cannot tell where backup hears the other machine: its first path 10.0.0.2 is no address",
  );
});
