import { expect, it } from "vitest";

import type { Presence } from "../../src/core/event.ts";
import { millis } from "../../src/core/time.ts";
import { hold } from "./host-contract.ts";
import { LinuxHarness } from "./linux-harness.ts";
import { net, wait } from "./namespace.ts";

/** What a running host is told to use instead of what it was started with, on a real kernel. */

const shown = (h: LinuxHarness): readonly string[] =>
  h.pair.here
    .run("ip -o addr show dev eth0")
    .split("\n")
    .flatMap((line) => /inet6? (\S+)/.exec(line)?.[1] ?? [])
    .filter((address) => address.endsWith("/32") || address.endsWith("/128"))
    .sort();

const presences = (h: LinuxHarness, from: number): readonly Presence[] =>
  h.events
    .slice(from)
    .flatMap((event) => (event.kind === "address-observed" ? [event.presence] : []));

const addresses = (h: LinuxHarness, ...named: readonly string[]) =>
  h.order({ order: "use", settings: { addresses: named } });

it("an added address comes beside those that are held, and one that is named no more goes", async () => {
  await using h = await LinuxHarness.start();
  await hold(h);
  const from = h.events.length;
  addresses(h, "10.99.0.100", "10.99.0.101", "fd99::101");
  await h.eventually("all three", () => shown(h).length === 3);
  await h.eventually("their report", () => presences(h, from).at(-1) === "all");
  expect(presences(h, from).slice(-2)).toEqual(["some", "all"]);
  expect(presences(h, from)).not.toContain("none");

  addresses(h, "10.99.0.101", "fd99::101");
  await h.eventually("the first one gone", () => shown(h).length === 2);
  // Longer than the lease: what is left is renewed, what has gone is not brought back.
  for (let looks = 0; looks < 30; looks += 1) {
    await wait(100);
    expect(shown(h)).toEqual(["10.99.0.101/32", "fd99::101/128"]);
  }
  expect(presences(h, from)).not.toContain("none");
  expect(h.troubles).toEqual([]);
  expect(h.commands.slice(1)).toEqual([
    "ip addr add 10.99.0.101/32 dev eth0 valid_lft 2 preferred_lft 2",
    "ip addr add fd99::101/128 dev eth0 valid_lft 2 preferred_lft 0 nodad",
    "ip addr del 10.99.0.100/32 dev eth0",
  ]);
});

it("where nothing is held, another list changes nothing in the kernel", async () => {
  await using h = await LinuxHarness.start();
  addresses(h, "10.99.0.101");
  await wait(300);
  expect(h.commands).toEqual([]);
  await hold(h);
  expect(shown(h)).toEqual(["10.99.0.101/32"]);
});

it("an address that was named no more while it was being added is gone in the end", async () => {
  await using h = await LinuxHarness.start();
  h.keepRenewing(200);
  await hold(h);
  addresses(h, "10.99.0.100", "10.99.0.101");
  addresses(h, "10.99.0.100");
  await h.eventually("the first alone", () => shown(h).join() === "10.99.0.100/32");
  await wait(500);
  expect(shown(h)).toEqual(["10.99.0.100/32"]);
});

it("a lease that was changed is what the next renewal gives", async () => {
  await using h = await LinuxHarness.start();
  await hold(h);
  const lease = () =>
    Number(/valid_lft (\d+)sec/.exec(h.pair.here.run("ip addr show dev eth0"))?.[1]);
  h.host.useLease(millis(30_000));
  await h.eventually("the long lease", () => lease() > 20);
  h.host.useLease(millis(2000));
  await h.eventually("the short lease", () => lease() <= 2);
  expect(h.presence()).toBe("all");
});

it("another witness is asked, and the last one is not listened to any more", async () => {
  await using h = await LinuxHarness.start();
  const answers = () => h.events.filter((event) => event.kind === "witness-answered").length;
  h.host.probeWitness();
  await h.eventually("the first witness", () => answers() === 1);
  h.order({ order: "use", settings: { witness: ["10.99.0.250"] } });
  h.host.probeWitness();
  await wait(300);
  expect(answers()).toBe(1);
  h.order({ order: "use", settings: { witness: [net.there] } });
  h.host.probeWitness();
  await h.eventually("the first witness again", () => answers() === 2);
});
