import { expect, it } from "vitest";

import { hold, isPresence } from "./host-contract.ts";
import { LinuxHarness } from "./linux-harness.ts";
import { connect, wait } from "./namespace.ts";
import { absent, held, silent } from "./wishes.ts";

/**
 * What only a real kernel can show of the address: children that stop, die or lose their footing.
 */

const gone = (h: LinuxHarness) => () => h.lastPresence === "none";

const stopBatch = (h: LinuxHarness): number => {
  const [batch = 0] = h.children("-batch");
  expect(batch).toBeGreaterThan(0);
  process.kill(batch, "SIGSTOP");
  return batch;
};

it("every command is one that an administrator could have typed", async () => {
  await using h = await LinuxHarness.start({ addresses: ["10.99.0.100", "fd99::100"] });
  await hold(h);
  h.host.reconcile(absent);
  await h.eventually("the address observed absent", gone(h));
  expect(h.commands).toEqual([
    "ip addr add 10.99.0.100/32 dev eth0 valid_lft 2 preferred_lft 2",
    "ip addr add fd99::100/128 dev eth0 valid_lft 2 preferred_lft 0 nodad",
    "ip addr del 10.99.0.100/32 dev eth0",
    "ip addr del fd99::100/128 dev eth0",
  ]);
});

it("silence goes up mute first and comes down mute last", async () => {
  await using h = await LinuxHarness.start();
  h.host.reconcile(silent);
  await h.eventually("silence", () =>
    h.pair.here.run("ip addr show dev lo").includes("10.99.0.100"),
  );
  expect(h.pair.here.run("nft list tables")).toBe("table arp failover_contract\n");
  h.host.reconcile(absent);
  await h.eventually("its end", () => h.commands.length === 4);
  await h.eventually("no table", () => h.pair.here.run("nft list tables") === "");
  expect(h.commands.map((line) => line.split(" ").slice(0, 3).join(" "))).toEqual([
    "nft -f -",
    "ip addr add",
    "ip addr del",
    "nft -f -",
  ]);
});

it("an address whose batch is stopped is renewed all the same", async () => {
  await using h = await LinuxHarness.start();
  await hold(h);
  stopBatch(h);
  for (let count = 0; count < 30; count += 1) {
    await wait(100);
    expect(h.presence()).toBe("all");
  }
});

it("a stopped batch is killed, and what it was to remove goes within lease / 2", async () => {
  await using h = await LinuxHarness.start();
  await hold(h);
  const batch = stopBatch(h);
  h.host.reconcile(absent);
  await wait(100);
  const from = h.events.length;
  await h.eventually("the address observed absent", gone(h), 1700);
  expect(h.events.slice(from).some((event) => event.kind === "renewed")).toBe(false);
  expect(h.presence()).toBe("none");
  expect(h.children("-batch")).not.toContain(batch);
  expect(h.troubles.join()).toContain("Cannot tell whether ip addr del 10.99.0.100/32");
});

it("an add that stood in the pipe of a stopped batch is never carried out late", async () => {
  await using h = await LinuxHarness.start();
  const batch = stopBatch(h);
  h.host.reconcile(held);
  h.host.reconcile(absent);
  await wait(500);
  expect(h.presence()).toBe("none");
  await h.eventually("the kill", () => !h.children("-batch").includes(batch), 3000);
  for (let count = 0; count < 20; count += 1) {
    await wait(50);
    expect(h.presence()).toBe("none");
  }
  expect(h.events.some((event) => JSON.stringify(event).includes('"all"'))).toBe(false);
});

it("a batch that is continued in time does what is wished by then", async () => {
  await using h = await LinuxHarness.start();
  const batch = stopBatch(h);
  h.host.reconcile(held);
  await wait(300);
  h.host.reconcile(absent);
  process.kill(batch, "SIGCONT");
  await wait(500);
  expect(h.presence()).toBe("none");
  expect(h.lastPresence).toBe("none");
});

it("an add that is no longer wished is called off before a slow ip can carry it out", async () => {
  await using h = await LinuxHarness.start();
  const batch = stopBatch(h);
  h.host.reconcile(held);
  await wait(300);
  h.host.reconcile(absent);
  await h.eventually("the kill", () => !h.children("-batch").includes(batch), 400);
  await h.eventually("the address observed absent", gone(h));
  await wait(300);
  expect(h.presence()).toBe("none");
  expect(h.troubles).toEqual([]);
});

it("a batch that was killed is started again", async () => {
  await using h = await LinuxHarness.start();
  const [batch = 0] = h.children("-batch");
  process.kill(batch, "SIGKILL");
  await hold(h);
  expect(h.presence()).toBe("all");
});

it("a monitor that was killed is started again, and what it missed is seen", async () => {
  await using h = await LinuxHarness.start();
  await hold(h);
  h.keepRenewing(0);
  const [monitor = 0] = h.children("monitor");
  process.kill(monitor, "SIGKILL");
  h.removeByHand();
  await h.eventually("it being put back", () => h.presence() === "all", 5000);
});

it("an agent killed with SIGKILL holds the address no longer than lease + 1 s", async () => {
  await using h = await LinuxHarness.start({ addresses: ["10.99.0.100", "fd99::100"] });
  await hold(h);
  h.driver.kill("SIGKILL");
  await wait(1000);
  expect(h.presence()).toBe("all");
  await wait(2000);
  expect(h.presence()).toBe("none");
});

it("an agent stopped whole loses the address, and sees that it did when it goes on", async () => {
  await using h = await LinuxHarness.start();
  await hold(h);
  h.driver.kill("SIGSTOP");
  await wait(3300);
  expect(h.presence()).toBe("none");
  const from = h.events.length;
  h.driver.kill("SIGCONT");
  // One that is stopped in the middle of a look tells first what it saw before.
  await h.eventually("the loss", () => h.events.slice(from).some(isPresence("none")), 5000);
  expect(h.troubles.join()).toMatch(/The kernel let go of 10\.99\.0\.100/);
});

it("removed by hand it is back within some milliseconds, again and again", async () => {
  await using h = await LinuxHarness.start();
  await hold(h);
  for (let count = 0; count < 5; count += 1) {
    h.removeByHand();
    await h.eventually("it being put back", () => h.presence() === "all", 1500);
    await wait(50);
  }
  expect(h.troubles).toContain(
    "Another program removed 10.99.0.100 from eth0 while it is held here",
  );
});

it("a fight over the address is one of ten repairs, then of one a second", async () => {
  await using h = await LinuxHarness.start();
  h.host.reconcile(held);
  await h.eventually("the address", () => h.presence() === "all");
  const begun = performance.now();
  const seconds = () => (performance.now() - begun) / 1000;
  const adds = () => h.commands.filter((line) => line.startsWith("ip addr add")).length;
  while (seconds() < 2.5 || adds() < 10) {
    if (h.presence() === "all") h.removeByHand();
    await wait(2);
  }
  expect(adds()).toBeLessThanOrEqual(11 + seconds());
  h.keepRenewing(200);
  await h.eventually("peace", () => h.presence() === "all", 5000);
});

it("a wish to let go is not held up by a fight", async () => {
  await using h = await LinuxHarness.start();
  await hold(h);
  for (let count = 0; count < 15; count += 1) {
    if (h.presence() === "all") h.removeByHand();
    await wait(5);
  }
  h.pair.here.run("ip addr replace 10.99.0.100/32 dev eth0");
  h.host.reconcile(absent);
  await h.eventually("the address gone", () => h.presence() === "none", 1500);
});

it("an address put there by hand without a lifetime is given one", async () => {
  await using h = await LinuxHarness.start({ addresses: ["10.99.0.100", "fd99::100"] });
  h.pair.here.run("ip addr add 10.99.0.100/32 dev eth0");
  h.pair.here.run("ip addr add fd99::100/64 dev eth0 nodad");
  h.host.reconcile(held);
  const leased = () => {
    const shown = h.pair.here.run("ip -o addr show dev eth0").split("\n");
    const ours = shown.filter((line) => line.includes(".100/") || line.includes("::100/"));
    return ours.length === 2 && ours.every((line) => line.includes("valid_lft 2sec"));
  };
  await h.eventually("the lease", leased);
});

it("let go, it goes with whatever prefix length somebody gave it", async () => {
  await using h = await LinuxHarness.start({ addresses: ["10.99.0.100", "fd99::100"] });
  h.pair.here.run("ip addr add 10.99.0.100/28 dev eth0");
  h.pair.here.run("ip addr add fd99::100/112 dev eth0 nodad");
  await h.eventually("their presence", () => h.lastPresence === "all");
  h.host.reconcile(absent);
  await h.eventually("their absence", gone(h));
  expect(h.presence()).toBe("none");
});

it("an interface that is deleted and made anew gets the address back", async () => {
  await using h = await LinuxHarness.start();
  await hold(h);
  h.pair.here.run("ip link del eth0");
  await h.eventually("the loss", gone(h));
  await wait(100);
  connect(h.pair.here, h.pair.there);
  await h.eventually("the address", () => h.lastPresence === "all");
  expect(h.presence()).toBe("all");
  expect(await h.answers()).toBe(true);
  h.host.announce();
  await h.eventually("an announcement", () => h.rounds.at(-1) === 2);
});

it("silence that another program breaks is mended", async () => {
  await using h = await LinuxHarness.start();
  h.host.reconcile(silent);
  const complete = () => h.events.findLast((event) => event.kind === "silent-observed");
  await h.eventually("silence", () => complete()?.present === true);
  h.pair.here.run("nft flush ruleset");
  const muted = () => h.pair.here.run("nft list tables").includes("arp failover_contract");
  await h.eventually("the mute", muted, 5000);
  expect(await h.answers()).toBe(false);
});

it("an address that the kernel refuses is told once, and tried again once a second", async () => {
  await using h = await LinuxHarness.start({ addresses: ["fd99::100"] });
  h.pair.here.runWords("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6");
  h.host.reconcile(held);
  await wait(2500);
  expect(h.troubles.filter((trouble) => trouble.startsWith("Cannot run ip addr add"))).toHaveLength(
    1,
  );
  expect(h.commands.length).toBeLessThan(12);
  h.pair.here.runWords("sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6");
  await h.eventually("the address", () => h.lastPresence === "all", 5000);
  await h.eventually("the end of the trouble", () => h.mended.includes("address"));
});

it("an address that is not wished any more is no trouble, though the kernel refused it", async () => {
  await using h = await LinuxHarness.start({ addresses: ["fd99::100"] });
  h.pair.here.runWords("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6");
  h.host.reconcile(held);
  await h.eventually("the refusal", () => h.troubles.length > 0);
  expect(h.mended).toEqual([]);
  h.host.reconcile(absent);
  await h.eventually("the end of the trouble", () => h.mended.includes("address"));
});

it("three hundred addresses come, stay and go together", async () => {
  const addresses = Array.from({ length: 300 }, (_, index) =>
    index % 2 === 0 ? `10.98.${index >> 8}.${index & 255}` : `fd98::${index.toString(16)}`,
  );
  await using h = await LinuxHarness.start({ addresses });
  await hold(h);
  await wait(3000);
  expect(h.presence()).toBe("all");
  expect(h.troubles).toEqual([]);
  h.host.reconcile(absent);
  await h.eventually("their absence", gone(h));
  expect(h.presence()).toBe("none");
});
