import { expect, it } from "vitest";

import type { Event } from "../../src/core/event.ts";
import { Capture, type Captured } from "./capture.ts";
import { LinuxHarness } from "./linux-harness.ts";
import { net, wait } from "./namespace.ts";

const kinds = (h: LinuxHarness, kind: Event["kind"]): readonly Event[] =>
  h.events.filter((event) => event.kind === kind);

it("a probe has no sender address, so that it changes nobody's table", async () => {
  await using h = await LinuxHarness.start({ addresses: ["10.99.0.100", "fd99::100"] });
  h.setOtherHolder(true);
  h.pair.there.run("ip neigh flush all");
  using capture = await Capture.on(h.pair.there);
  h.host.probe(net.thereMac);
  const asked = (text: string) => (frame: Captured) => frame.text.includes(text);
  const answers = (text: string) => capture.frames.filter(asked(text)).length;
  await h.eventually("answers", () => kinds(h, "neighbour-answered").length > 0);
  await h.eventually("the ARP replies", () => answers("Reply 10.99.0.100 is-at") >= 2);
  await h.eventually("the advertisements", () => answers("neighbor advertisement") >= 2);
  await wait(100);
  const arp = capture.frames.filter(asked("who-has 10.99.0.100 ")).filter(asked("tell 0.0.0.0"));
  expect(arp.map(({ to }) => to).toSorted()).toEqual([net.thereMac, "ff:ff:ff:ff:ff:ff"]);
  const nd = capture.frames
    .filter(asked("who has fd99::100"))
    .filter(asked(":: > ff02::1:ff00:100"));
  expect(nd.map(({ to }) => to).toSorted()).toEqual([net.thereMac, "33:33:ff:00:01:00"]);
  expect(answers("Reply 10.99.0.100 is-at")).toBe(2);
  expect(answers("neighbor advertisement")).toBe(2);
  expect(h.pair.there.run("ip neigh show")).not.toContain(net.hereMac);
});

it("a neighbour that claims the address unasked is reported, with its MAC", async () => {
  await using h = await LinuxHarness.start();
  h.setOtherHolder(true);
  await h.pair.there.start("arping", "-U", "-c", "1", "-I", "eth0", "10.99.0.100");
  const claimed = () => kinds(h, "neighbour-answered").length > 0;
  await h.eventually("the claim", claimed, 5000);
  expect(kinds(h, "neighbour-answered")[0]).toEqual({
    kind: "neighbour-answered",
    mac: net.thereMac,
  });
});

it("a witness beyond the link is asked by echo", async () => {
  await using h = await LinuxHarness.start({ witness: ["192.0.2.1", "2001:db8::1"] });
  h.pair.there.run("ip addr add 192.0.2.1/32 dev lo");
  h.pair.there.run("ip addr add 2001:db8::1/128 dev lo nodad");
  h.pair.here.run(`ip route add default via ${net.there}`);
  h.host.probeWitness();
  const answered = () => kinds(h, "witness-answered").length;
  await h.eventually("the echo of IPv4", () => answered() === 1, 5000);
  expect(kinds(h, "witness-answered")[0]).toEqual({ kind: "witness-answered", mac: undefined });
  expect(h.troubles.join()).toContain("Cannot ask the witness 2001:db8::1: ENETUNREACH");
  h.pair.here.run(`ip -6 route add default via ${net.there6}`);
  h.pair.there.run("ip addr del 192.0.2.1/32 dev lo");
  await wait(100);
  h.host.probeWitness();
  await h.eventually("the echo of IPv6", () => answered() === 2, 5000);
  expect(h.mended).toEqual(["witness 2001:db8::1"]);
});

it("left to itself, the witness is the gateway, found soon after its route came", async () => {
  await using h = await LinuxHarness.start({ witness: "auto" });
  h.host.probeWitness();
  await wait(200);
  expect(kinds(h, "witness-answered")).toEqual([]);
  h.pair.here.run(`ip route add default via ${net.there}`);
  const answered = () => {
    h.host.probeWitness();
    return kinds(h, "witness-answered").length > 0;
  };
  await h.eventually("the gateway", answered, 5000);
  expect(kinds(h, "witness-answered")[0]).toEqual({ kind: "witness-answered", mac: net.thereMac });
});

it("a frame of ours that the network brings back says nothing of anybody else", async () => {
  await using h = await LinuxHarness.start();
  const claim = () => h.pair.there.start("arping", "-U", "-c", "1", "-I", "eth0", "10.99.0.100");
  h.setOtherHolder(true);
  h.pair.there.run(`ip link set eth0 address ${net.hereMac}`);
  await claim();
  expect(kinds(h, "neighbour-answered")).toEqual([]);
  h.pair.there.run(`ip link set eth0 address ${net.thereMac}`);
  await claim();
  expect(kinds(h, "neighbour-answered")).not.toEqual([]);
});

it("a neighbour that asks for us is heard, in IPv6 as well", async () => {
  await using h = await LinuxHarness.start({ witness: [] });
  await wait(200);
  const from = h.events.length;
  const heard = () => h.events.slice(from).some((event) => event.kind === "network-heard");
  for (let asked = 0; asked < 5 && !heard(); asked += 1) {
    // Whoever spoke meanwhile is known again, and not asked for.
    h.pair.there.run("ip neigh flush all");
    await h.pair.there.start("ping", "-c", "1", "-W", "1", net.here6);
    await wait(300);
  }
  await h.eventually("the question", heard, 5000);
});

it("a storm of frames is ten events a second", async () => {
  await using h = await LinuxHarness.start();
  const from = h.events.length;
  const startedAt = performance.now();
  await h.pair.there.start(
    "sh",
    "-c",
    `for i in $(seq 300); do ip neigh flush all; ping -c 1 -W 1 ${net.here} >/dev/null; done`,
  );
  const tenths = (performance.now() - startedAt) / 100;
  await wait(50);
  const heard = h.events.slice(from).filter((event) => event.kind === "network-heard");
  expect(heard.length).toBeGreaterThan(tenths / 3);
  expect(heard.length).toBeLessThan(tenths + 2);
});
