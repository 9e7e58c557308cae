import { expect, it } from "vitest";

import { Capture, type Captured } from "./capture.ts";
import { hold } from "./host-contract.ts";
import { LinuxHarness } from "./linux-harness.ts";
import { net, wait } from "./namespace.ts";
import { absent } from "./wishes.ts";

const requestFor = (address: string) => (frame: Captured) =>
  frame.text.includes(`Request who-has ${address} `) && frame.text.includes(`tell ${address},`);
const replyFor = (address: string) => (frame: Captured) =>
  frame.text.includes(`Reply ${address} is-at ${net.hereMac}`);

it("IPv4 is announced in both forms, to everybody, from the interface's MAC", async () => {
  await using h = await LinuxHarness.start();
  await hold(h);
  using capture = await Capture.on(h.pair.there);
  h.host.announce();
  // New kernels have neighbour discovery of their own to say.
  const frames = () => capture.frames.filter((frame) => frame.text.includes("10.99.0.100"));
  await h.eventually("both frames", () => frames().length >= 2);
  await h.eventually("the end of the round", () => h.rounds.length > 0);
  expect(capture.frames.filter(requestFor("10.99.0.100"))).toHaveLength(1);
  expect(capture.frames.filter(replyFor("10.99.0.100"))).toHaveLength(1);
  for (const frame of frames()) {
    expect(frame).toMatchObject({ from: net.hereMac, to: "ff:ff:ff:ff:ff:ff" });
  }
  expect(h.rounds).toEqual([2]);
});

it("IPv6 is announced to all nodes, overriding, with a right checksum", async () => {
  await using h = await LinuxHarness.start({ addresses: ["fd99::100"] });
  await hold(h);
  using capture = await Capture.on(h.pair.there);
  h.host.announce();
  const advertised = (frame: Captured) =>
    frame.text.includes("neighbor advertisement") && frame.text.includes("tgt is fd99::100");
  await h.eventually("the advertisement", () => capture.frames.some(advertised));
  await wait(50);
  const [frame] = capture.frames.filter(advertised);
  expect(frame).toMatchObject({ from: net.hereMac, to: "33:33:00:00:00:01" });
  expect(frame?.text).toContain("fd99::100 > ff02::1: [icmp6 sum ok]");
  expect(frame?.text).toContain("Flags [override]");
  expect(frame?.text).toContain(`(2), length 8 (1): ${net.hereMac}`);
});

it("a machine that routes IPv6 says so, and stays its neighbours' router", async () => {
  await using h = await LinuxHarness.start({ addresses: ["fd99::100"] });
  h.pair.here.runWords("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/eth0/forwarding");
  // A change of carrier has the machine looked at again.
  const carrier = () => h.events.findLast((event) => event.kind === "carrier-observed")?.carrier;
  h.setCarrier(false);
  await h.eventually("the loss", () => carrier() === "none");
  h.setCarrier(true);
  await h.eventually("the return", () => carrier() === "up");
  await hold(h);
  await wait(100);
  using capture = await Capture.on(h.pair.there);
  h.host.announce();
  const routing = (frame: Captured) => frame.text.includes("Flags [router, override]");
  await h.eventually("the flag", () => capture.frames.some(routing));
});

it("many addresses are announced once each before any is again, at the rate given", async () => {
  const addresses = Array.from({ length: 40 }, (_, index) => `10.99.1.${index}`);
  await using h = await LinuxHarness.start({ addresses, announceRate: 100 });
  await hold(h);
  using capture = await Capture.on(h.pair.there);
  h.host.announce();
  await h.eventually("the end of the round", () => h.rounds.length === 1);
  const announced = () => capture.frames.filter((frame) => frame.text.includes(" 10.99.1."));
  await h.eventually("its frames", () => announced().length >= 80);
  await wait(50);
  const frames = announced();
  expect(frames).toHaveLength(80);
  const first = new Set(frames.slice(0, 40).map((frame) => /10\.99\.1\.\d+/.exec(frame.text)?.[0]));
  expect(first.size).toBe(40);
  const forms = frames.slice(0, 40).map((frame) => /Request|Reply/.exec(frame.text)?.[0]);
  expect(forms.filter((form) => form === "Request")).toHaveLength(20);
  const span = (frames.at(-1)?.at ?? 0) - (frames[0]?.at ?? 0);
  expect(span).toBeGreaterThan(0.7);
  expect(span).toBeLessThan(10);
});

it("an address that went is not announced any more, in the middle of a round", async () => {
  const addresses = Array.from({ length: 40 }, (_, index) => `10.99.1.${index}`);
  await using h = await LinuxHarness.start({ addresses, announceRate: 50 });
  await hold(h);
  h.host.announce();
  await wait(200);
  h.host.reconcile(absent);
  await h.eventually("the absence", () => h.lastPresence === "none");
  using capture = await Capture.on(h.pair.there);
  await wait(500);
  expect(capture.frames.filter((frame) => /10\.99\.1\./.test(frame.text))).toEqual([]);
});

it("an address that is not there is not announced", async () => {
  await using h = await LinuxHarness.start();
  using capture = await Capture.on(h.pair.there);
  h.host.announce();
  await wait(200);
  expect(capture.frames.filter((frame) => frame.text.includes("10.99.0.100"))).toEqual([]);
});

it("without carrier announcing is no trouble twice", async () => {
  await using h = await LinuxHarness.start();
  await hold(h);
  h.pair.here.run("ip link set eth0 down");
  for (let count = 0; count < 5; count += 1) h.host.announce();
  await wait(300);
  expect(h.troubles.filter((trouble) => trouble.startsWith("Cannot send on"))).toHaveLength(1);
});
