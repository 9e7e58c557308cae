import { describe, expect, it } from "vitest";

import type { AddressWish } from "../../src/core/effect.ts";
import { echoRequest, isEchoReply } from "../../src/linux/echo-socket.ts";
import { parseAddress, sameNetwork } from "../../src/linux/ip-address.ts";
import { muteScript, tableName } from "../../src/linux/mute.ts";
import {
  isNews,
  type Picture,
  presenceOf,
  type Scene,
  withAddresses,
  withoutGone,
} from "../../src/linux/picture.ts";
import { nextAddressCommands, nextSilentStep } from "../../src/linux/plan.ts";

const scene: Scene = {
  interface: "eth0",
  silentInterface: "lo",
  addresses: ["192.0.2.10", "2001:db8::10"].map(parseAddress),
  former: [],
  muteTable: "failover_www",
};

const entries = (interfaceIndex: number, validFor: number | "forever", ...texts: string[]) =>
  texts.map((text) => {
    const [address = "", length] = text.split("/");
    return {
      interfaceIndex,
      validFor,
      prefixLength: Number(length),
      address: parseAddress(address),
    };
  });

const link = { index: 3, name: "eth0", mac: "02:00:00:00:00:11", up: true, carrier: true };
const nothing: Picture = { link, service: [], silentIndex: 1, silent: [], muted: false };
const held: Picture = { ...nothing, service: entries(3, 2, "192.0.2.10/32", "2001:db8::10/128") };
const onLo = entries(1, "forever", "192.0.2.10/32", "2001:db8::10/128");

const present: AddressWish = { address: "present", silent: "absent" };
const absent: AddressWish = { address: "absent", silent: "absent" };
const silent: AddressWish = { address: "absent", silent: "present" };

const commands = (wish: AddressWish, picture: Picture) =>
  nextAddressCommands(scene, wish, picture, 2);

it("what is missing is added, leased; what is there is left alone", () => {
  expect(commands(present, nothing)).toEqual([
    "addr add 192.0.2.10/32 dev eth0 valid_lft 2 preferred_lft 2",
    "addr add 2001:db8::10/128 dev eth0 valid_lft 2 preferred_lft 0 nodad",
  ]);
  expect(commands(present, held)).toEqual([]);
  expect(commands(absent, nothing)).toEqual([]);
});

describe("an address that the configuration no longer names", () => {
  const changed = withAddresses(scene, ["2001:db8::10", "192.0.2.11"].map(parseAddress));
  const next = (wish: AddressWish, picture: Picture) =>
    nextAddressCommands(changed, wish, picture, 2);

  it("leaves the interface before its successor comes; the others stay", () => {
    expect(next(present, held)).toEqual([
      "addr del 192.0.2.10/32 dev eth0",
      "addr add 192.0.2.11/32 dev eth0 valid_lft 2 preferred_lft 2",
    ]);
    expect(next(absent, held)).toEqual([
      "addr del 192.0.2.10/32 dev eth0",
      "addr del 2001:db8::10/128 dev eth0",
    ]);
  });

  it("leaves lo with the others", () => {
    const lines = [...onLo, ...entries(1, "forever", "192.0.2.11/32")].map(
      ({ address, prefixLength }) => `addr del ${address.text}/${prefixLength} dev lo`,
    );
    const step = nextSilentStep(changed, absent, { ...nothing, silent: onLo });
    expect(step).toEqual({ kind: "commands", lines: [lines[1], lines[0]] });
  });

  it("is forgotten once it has left, and when an administrator has made it the machine's own", () => {
    expect(withoutGone(changed, held).former).toEqual(changed.former);
    expect(withoutGone(changed, nothing).former).toEqual([]);
    const own = { ...nothing, service: entries(3, "forever", "192.0.2.10/32") };
    expect(next(absent, own)).toEqual([]);
    expect(withoutGone(changed, own).former).toEqual([]);
  });

  it("may come back", () => {
    const again = withAddresses(changed, scene.addresses);
    expect(again.former.map(({ text }) => text)).toEqual(["192.0.2.11"]);
    expect(nextAddressCommands(again, present, held, 2)).toEqual([]);
  });
});

it("an address that stays on lo is muted before it leaves the interface, while there is time", () => {
  const both: AddressWish = { address: "present", silent: "present" };
  const beside = { ...held, silent: onLo };
  expect(nextSilentStep(scene, both, held)).toEqual({
    kind: "commands",
    lines: ["addr add 192.0.2.10/32 dev lo", "addr add 2001:db8::10/128 dev lo nodad"],
  });
  expect(nextSilentStep(scene, both, beside)).toBeUndefined();
  expect(nextSilentStep(scene, both, { ...beside, muted: true })).toEqual({ kind: "unmute" });
  expect(nextSilentStep(scene, silent, beside)).toEqual({ kind: "mute" });
  const leave = ["addr del 192.0.2.10/32 dev eth0", "addr del 2001:db8::10/128 dev eth0"];
  expect(nextAddressCommands(scene, silent, beside, 2, true)).toEqual([]);
  expect(nextAddressCommands(scene, silent, beside, 2, false)).toEqual(leave);
  expect(nextAddressCommands(scene, silent, { ...beside, muted: true }, 2, true)).toEqual(leave);
  expect(nextAddressCommands(scene, absent, beside, 2, true)).toEqual(leave);
});

it("without an interface nothing can be done, and nothing is tried", () => {
  const gone = { ...nothing, link: undefined };
  expect(commands(present, gone)).toEqual([]);
  expect(commands(absent, gone)).toEqual([]);
});

it("an unlimited lifetime is taken over, in the prefix length that IPv6 already has", () => {
  const byHand = { ...nothing, service: entries(3, "forever", "192.0.2.10/32", "2001:db8::10/64") };
  expect(commands(present, byHand)).toEqual([
    "addr change 192.0.2.10/32 dev eth0 valid_lft 2 preferred_lft 2",
    "addr change 2001:db8::10/64 dev eth0 valid_lft 2 preferred_lft 0 nodad",
  ]);
});

it("what goes goes with whatever prefix length it has; the machine's own addresses stay", () => {
  const mixed = {
    ...nothing,
    service: entries(3, "forever", "192.0.2.10/24", "192.0.2.10/32", "192.0.2.11/24"),
  };
  expect(commands(absent, mixed)).toEqual([
    "addr del 192.0.2.10/24 dev eth0",
    "addr del 192.0.2.10/32 dev eth0",
  ]);
});

it("silence goes up with the mute first, so that nothing is answered for in between", () => {
  expect(nextSilentStep(scene, silent, nothing)).toEqual({ kind: "mute" });
  const muted = { ...nothing, muted: true };
  expect(nextSilentStep(scene, silent, muted)).toEqual({
    kind: "commands",
    lines: ["addr add 192.0.2.10/32 dev lo", "addr add 2001:db8::10/128 dev lo nodad"],
  });
  expect(nextSilentStep(scene, silent, { ...muted, silent: onLo })).toBe(undefined);
});

it("silence comes down with the mute last", () => {
  const quiet = { ...nothing, muted: true, silent: onLo };
  expect(nextSilentStep(scene, absent, quiet)).toEqual({
    kind: "commands",
    lines: ["addr del 192.0.2.10/32 dev lo", "addr del 2001:db8::10/128 dev lo"],
  });
  expect(nextSilentStep(scene, absent, { ...quiet, silent: [] })).toEqual({ kind: "unmute" });
  expect(nextSilentStep(scene, absent, nothing)).toBe(undefined);
});

it("lo is left a while after the address has arrived on the interface", () => {
  const quiet = { ...nothing, muted: true, silent: onLo };
  expect(nextSilentStep(scene, present, quiet)).toBe(undefined);
  const arrived = { ...quiet, service: held.service };
  expect(nextSilentStep(scene, present, arrived, false)).toEqual({ kind: "unmute" });
  const heard = { ...arrived, muted: false };
  expect(nextSilentStep(scene, present, heard, false)).toBe(undefined);
  expect(nextSilentStep(scene, present, heard, true)?.kind).toBe("commands");
});

it("a pair of IPv6 alone needs no mute", () => {
  const six = { ...scene, addresses: scene.addresses.slice(1) };
  expect(nextSilentStep(six, silent, nothing)).toEqual({
    kind: "commands",
    lines: ["addr add 2001:db8::10/128 dev lo nodad"],
  });
});

it("presence is of all addresses together, with any prefix length", () => {
  expect(presenceOf(scene.addresses, [])).toBe("none");
  expect(presenceOf(scene.addresses, held.service.slice(1))).toBe("some");
  expect(presenceOf(scene.addresses, entries(3, 2, "192.0.2.10/24", "2001:db8::10/64"))).toBe(
    "all",
  );
});

it("a renewal is no news; what came, went or lost its lifetime is, and a link that changed", () => {
  const address = {
    kind: "address",
    deleted: false,
    interfaceIndex: 3,
    address: "192.0.2.10",
    prefixLength: 32,
    validFor: 2,
  } as const;
  expect(isNews(address, scene, held)).toBe(false);
  expect(isNews({ ...address, deleted: true }, scene, held)).toBe(true);
  expect(isNews({ ...address, deleted: true }, scene, nothing)).toBe(false);
  expect(isNews(address, scene, nothing)).toBe(true);
  expect(isNews({ ...address, validFor: "forever" }, scene, held)).toBe(true);
  expect(isNews({ ...address, interfaceIndex: 9 }, scene, nothing)).toBe(false);
  const { index, ...facts } = link;
  const fact = { ...facts, kind: "link", deleted: false, interfaceIndex: index } as const;
  expect(isNews(fact, scene, held)).toBe(false);
  expect(isNews({ ...fact, carrier: false }, scene, held)).toBe(true);
  expect(isNews({ ...fact, interfaceIndex: 9 }, scene, held)).toBe(true);
  expect(isNews({ ...fact, interfaceIndex: 9, name: "eth1" }, scene, held)).toBe(false);
});

it("the mute's table carries the pair's name in letters that nftables takes", () => {
  expect(tableName("www")).toBe("failover_www");
  expect(tableName("db-1.example")).toBe("failover_db_1_example");
});

it("the mute drops who asks, and asks in this machine's own name, for IPv4 alone", () => {
  const script = muteScript("failover_www", scene.addresses, parseAddress("192.0.2.11"));
  expect(script).toContain("elements = { 192.0.2.10 }");
  expect(script).toContain("arp operation request arp daddr ip @held drop");
  expect(script).toContain("arp saddr ip @held arp saddr ip set 192.0.2.11");
  expect(muteScript("t", scene.addresses, undefined)).toContain("arp saddr ip @held drop");
});

it("a network is told to the bit", () => {
  const same = (one: string, other: string, length: number) =>
    sameNetwork(parseAddress(one), parseAddress(other), length);
  expect(same("192.0.2.1", "192.0.2.254", 24)).toBe(true);
  expect(same("192.0.2.1", "192.0.3.1", 24)).toBe(false);
  expect(same("192.0.2.1", "192.0.3.1", 23)).toBe(true);
  expect(same("2001:db8::1", "2001:db8:0:1::1", 64)).toBe(false);
  expect(same("2001:db8::1", "2001:db8:0:1::1", 63)).toBe(true);
  expect(same("192.0.2.1", "2001:db8::1", 0)).toBe(false);
});

it("an echo is ours only with our token, and IPv4 comes behind its IP header", () => {
  const token = Buffer.from("0123456789abcdef");
  const request = echoRequest(4, 1, token);
  expect(request.subarray(0, 8).toString("hex")).toBe("0800c8c700000001");
  const reply = Buffer.from(request);
  reply[0] = 0;
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  const packet = Buffer.concat([header, reply]);
  expect(isEchoReply(4, packet, token)).toBe(true);
  expect(isEchoReply(4, packet, Buffer.from("0123456789abcdeX"))).toBe(false);
  expect(isEchoReply(4, Buffer.concat([header, request]), token)).toBe(false);
  expect(isEchoReply(4, packet.subarray(0, 30), token)).toBe(false);
  expect(echoRequest(6, 1, token)[0]).toBe(128);
});
