import { expect, it } from "vitest";

import { parseIpv6Route, parseRoute } from "../../src/linux/gateways.ts";
import { parseMonitorLine } from "../../src/linux/ip-monitor-lines.ts";
import { LineSplitter } from "../../src/linux/line-splitter.ts";
import { parseCapabilities } from "../../src/linux/network-facts.ts";
import { placeOf, readRoutes, strangerAt } from "../../src/linux/own-routes.ts";
import { parseTcpLine } from "../../src/linux/service-watch.ts";

const lifetime = (valid: string, preferred = valid): string =>
  `\\       valid_lft ${valid} preferred_lft ${preferred}`;

/** Lines as iproute2 6.1 and a 6.18 kernel print them. */

it("an address that came, was renewed or went is told with its lifetime", () => {
  const line = `3: eth0    inet 10.9.9.9/32 scope global dynamic eth0${lifetime("2sec", "2sec")}`;
  const address = {
    kind: "address",
    deleted: false,
    interfaceIndex: 3,
    address: "10.9.9.9",
    prefixLength: 32,
    validFor: 2,
  };
  expect(parseMonitorLine(line)).toEqual(address);
  expect(parseMonitorLine(`Deleted ${line}`)).toEqual({ ...address, deleted: true });
});

it("IPv6 is told the same way, and an unlimited lifetime as one", () => {
  expect(
    parseMonitorLine(
      `Deleted 3: eth0    inet6 fd99::9/128 scope global nodad deprecated dynamic `.concat(
        lifetime("2sec", "0sec"),
      ),
    ),
  ).toEqual({
    kind: "address",
    deleted: true,
    interfaceIndex: 3,
    address: "fd99::9",
    prefixLength: 128,
    validFor: 2,
  });
  expect(
    parseMonitorLine(
      "1: lo    inet 10.9.9.9/32 scope global lo\\       valid_lft forever preferred_lft forever",
    ),
  ).toMatchObject({ interfaceIndex: 1, validFor: "forever" });
});

it("a peer and a broadcast address do not confuse it", () => {
  expect(
    parseMonitorLine(
      `5: tun0    inet 10.8.0.1 peer 10.8.0.2/32 scope global tun0${lifetime("forever")}`,
    ),
  ).toMatchObject({ address: "10.8.0.1", prefixLength: 32 });
  expect(
    parseMonitorLine(
      "2: eth0    inet 192.0.2.2/24 metric 100 brd 192.0.2.255 scope global dynamic eth0".concat(
        lifetime("86031sec"),
      ),
    ),
  ).toMatchObject({ address: "192.0.2.2", prefixLength: 24, validFor: 86031 });
});

it("a link has carrier only where nothing says NO-CARRIER", () => {
  const line = (flags: string, state: string) =>
    [
      `3: eth0@if4: <${flags}> mtu 1500 qdisc noqueue state ${state} group default \\    `,
      "link/ether 22:08:d4:54:32:b2 brd ff:ff:ff:ff:ff:ff link-netnsid 0",
    ].join("");
  const link = {
    kind: "link",
    deleted: false,
    interfaceIndex: 3,
    name: "eth0",
    mac: "22:08:d4:54:32:b2",
  };
  expect(parseMonitorLine(line("BROADCAST,MULTICAST,UP,LOWER_UP", "UP"))).toEqual({
    ...link,
    up: true,
    carrier: true,
  });
  const moment = line("NO-CARRIER,BROADCAST,MULTICAST,UP,LOWER_UP", "LOWERLAYERDOWN");
  expect(parseMonitorLine(moment)).toEqual({ ...link, up: true, carrier: false });
  expect(parseMonitorLine(line("NO-CARRIER,BROADCAST,MULTICAST,UP,M-DOWN", "DOWN"))).toMatchObject({
    up: true,
    carrier: false,
  });
  expect(parseMonitorLine(line("BROADCAST,MULTICAST", "DOWN"))).toMatchObject({
    up: false,
    carrier: false,
  });
});

it("a link that was deleted, and one without Ethernet, are told too", () => {
  expect(
    parseMonitorLine(
      "Deleted 3: wan0@NONE: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN group default ".concat(
        "\\    link/ether 02:11:22:33:44:55 brd ff:ff:ff:ff:ff:ff",
      ),
    ),
  ).toMatchObject({ kind: "link", deleted: true, name: "wan0", mac: "02:11:22:33:44:55" });
  expect(
    parseMonitorLine(
      "5: tun0: <POINTOPOINT,MULTICAST,NOARP,UP,LOWER_UP> mtu 1500 qdisc noop state UNKNOWN ".concat(
        "group default \\    link/none ",
      ),
    ),
  ).toMatchObject({ name: "tun0", carrier: true, mac: undefined });
});

it("lines of other kinds are nothing", () => {
  for (const line of ["", "default via 10.0.0.1 dev eth0", "Unknown message: type=0x00000068"]) {
    expect(parseMonitorLine(line)).toBe(undefined);
  }
});

it("a line cut in two pieces of output is one line", () => {
  const splitter = new LineSplitter();
  expect(splitter.push("one\ntw")).toEqual(["one"]);
  expect(splitter.push("o")).toEqual([]);
  expect(splitter.push("\nthree\n")).toEqual(["two", "three"]);
});

it("a default gateway is read from the kernel's routes, and nothing else is one", () => {
  const route = "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0   ";
  expect(parseRoute(route)).toMatchObject({
    device: "eth0",
    isDefault: true,
    gateway: { text: "192.0.2.1" },
  });
  expect(parseRoute("eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0")).toMatchObject({
    isDefault: false,
    toZero: false,
  });
  // 0.0.0.0/1, as a VPN sets it, is not the default route.
  expect(parseRoute(route.replace("\t00000000\t0\t0\t0 ", "\t00000080\t0\t0\t0 "))).toMatchObject({
    isDefault: false,
    toZero: true,
  });
  expect(parseRoute("Iface\tDestination\tGateway \tFlags")).toBe(undefined);
});

it("so it is with IPv6", () => {
  const zero = "0".repeat(32);
  const gateway = "fd000000000000000000000000000001";
  const line = `${zero} 00 ${zero} 00 ${gateway} 00000400 00000002 00000000 00000003     eth0`;
  expect(parseIpv6Route(line)).toMatchObject({ device: "eth0", gateway: { text: "fd00::1" } });
  expect(parseIpv6Route(line.replace("00000003  ", "00200200  "))).toBe(undefined);
  expect(parseIpv6Route(line.replace(`${zero} 00`, `${gateway} 40`))).toBe(undefined);
});

it("a socket that listens is told from one that is connected", () => {
  expect(
    parseTcpLine(
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0",
    ),
  ).toMatchObject({ address: { text: "127.0.0.1" }, port: 8080, listening: true });
  expect(
    parseTcpLine(
      "  17: 0100007F:1F90 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000     0",
    ),
  ).toMatchObject({ listening: false });
  expect(
    parseTcpLine(
      "   1: B80D0120000000000000000001000000:0050 00000000000000000000000000000000:0000 0A ".concat(
        "00000000:00000000 00:00000000 00000000     0",
      ),
    ),
  ).toMatchObject({ address: { text: "2001:db8::1" }, port: 80, listening: true });
  expect(parseTcpLine("  sl  local_address rem_address   st tx_queue rx_queue")).toBe(undefined);
});

it("capabilities are those in effect", () => {
  const status = (bits: string) => `Name:\tnode\nCapPrm:\t0000000000000000\nCapEff:\t${bits}\n`;
  expect(parseCapabilities(status("000001ffffffffff"))).toEqual({ netAdmin: true, netRaw: true });
  expect(parseCapabilities(status("0000000000001000"))).toEqual({ netAdmin: true, netRaw: false });
  expect(parseCapabilities(status("0000000000002000"))).toEqual({ netAdmin: false, netRaw: true });
});

it("a route's place is what the kernel tells it by: destination, metric and table", () => {
  expect(
    [
      "198.51.100.0/24 via 203.0.113.1 dev eth1",
      "0.0.0.0/0 via 203.0.113.1 metric 10",
      "default via 203.0.113.1 table 100",
      "198.51.100.7/32 dev eth1 table main",
      "2001:DB8:0::/48 via fe80::1 dev eth1",
      "default via fe80::1 dev eth1",
    ].map(placeOf),
  ).toEqual([
    "4 198.51.100.0/24 0 254",
    "4 default 10 254",
    "4 default 0 100",
    "4 198.51.100.7 0 254",
    "6 2001:db8::/48 1024 254",
    "6 default 1024 254",
  ]);
});

it("what ip shows of routes has the same places, and tells whose they are", () => {
  const shown = [
    { dst: "default", gateway: "10.0.0.3", dev: "d0", table: "100", metric: 7, flags: [] },
    { dst: "192.0.2.7", gateway: "10.0.0.2", dev: "d0", protocol: "94", flags: [] },
  ];
  const routes = readRoutes(JSON.stringify(shown), 4);
  expect(routes).toEqual([
    { place: "4 default 7 100", device: "d0", ours: false },
    { place: "4 192.0.2.7 0 254", device: "d0", ours: true },
  ]);
  expect(strangerAt("default via 203.0.113.1 table 100 metric 7", routes)?.device).toBe("d0");
  for (const free of [
    "default via 203.0.113.1",
    "default via 203.0.113.1 metric 7",
    "192.0.2.7 via 203.0.113.1",
    "default via fe80::1 table 100 metric 7",
  ])
    expect(strangerAt(free, routes)).toBeUndefined();
  expect(readRoutes("", 6)).toEqual([]);
  expect(readRoutes("Error: argument is wrong", 4)).toEqual([]);
});
