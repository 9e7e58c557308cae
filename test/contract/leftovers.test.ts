import { createServer } from "node:net";
import { expect, it } from "vitest";
import { parseAddress } from "../../src/linux/ip-address.ts";
import type { CleanupStep, Leftovers } from "../../src/linux/leftovers.ts";
import type { LocalAddress } from "../../src/linux/network-facts.ts";
import { isListening, listenersInProc } from "../../src/linux/service-watch.ts";
import { listenersOf } from "../../src/linux/sock-diag.ts";
import { hold } from "./host-contract.ts";
import { LinuxHarness } from "./linux-harness.ts";
import { type Namespace, net, openPair } from "./namespace.ts";

const both = '["10.99.0.100", "fd99::100"]';
const look = (namespace: Namespace): Promise<Leftovers> =>
  namespace.evaluate("leftovers.ts", `it.lookForLeftovers("eth0", ${both})`);
const cleanup = (namespace: Namespace): Promise<readonly CleanupStep[]> =>
  namespace.evaluate("leftovers.ts", `it.cleanup("contract", ${both})`);

it("an agent that was killed leaves a lease that the next one can go on with", async () => {
  const addresses = ["10.99.0.100", "fd99::100"];
  await using h = await LinuxHarness.start({ addresses, leaseSeconds: 20 });
  expect(await look(h.pair.here)).toEqual({ leased: false, permanent: [] });
  await hold(h);
  expect(await look(h.pair.here)).toEqual({ leased: true, permanent: [] });
  h.driver.kill("SIGKILL");
  expect(await look(h.pair.here)).toEqual({ leased: true, permanent: [] });
});

it("an address that the machine's own configuration gave is told apart from a lease", async () => {
  using pair = await openPair();
  pair.here.run("ip addr add 10.99.0.100/24 dev eth0");
  pair.here.run("ip addr add fd99::100/128 dev eth0 nodad valid_lft 60 preferred_lft 0");
  expect(await look(pair.here)).toEqual({ leased: false, permanent: ["10.99.0.100/24"] });
});

it("cleanup removes all that is ours, nothing else, and the second time nothing", async () => {
  using pair = await openPair();
  for (const line of [
    "ip addr add 10.99.0.100/32 dev eth0 valid_lft 60 preferred_lft 60",
    "ip addr add fd99::100/128 dev eth0 nodad valid_lft 60 preferred_lft 0",
    "ip addr add 10.99.0.100/32 dev lo",
    "ip addr add fd99::100/128 dev lo nodad",
    "ip addr add 10.99.0.101/32 dev eth0 valid_lft 60 preferred_lft 60",
    "nft add table arp failover_contract",
    "nft add table netdev failover_contract",
    "nft add table arp failover_other",
    "nft add table ip filter",
  ]) {
    pair.here.run(line);
  }
  const steps = await cleanup(pair.here);
  expect(steps).toEqual(
    [
      "ip addr del 10.99.0.100/32 dev lo",
      "ip addr del fd99::100/128 dev lo",
      "ip addr del 10.99.0.100/32 dev eth0",
      "ip addr del fd99::100/128 dev eth0",
      "nft delete table arp failover_contract",
      "nft delete table netdev failover_contract",
    ].map((line) => ({ line })),
  );
  const shown = pair.here.run("ip -o addr show");
  expect(shown).not.toContain(".100/");
  expect(shown).not.toContain("::100/");
  expect(shown).toContain("10.99.0.101/32");
  expect(shown).toContain(`${net.here}/24`);
  expect(pair.here.run("nft list tables")).toBe("table arp failover_other\ntable ip filter\n");
  expect(await cleanup(pair.here)).toEqual([]);
});

it("cleanup leaves an address without a lifetime on the interface: it is not ours", async () => {
  using pair = await openPair();
  pair.here.run("ip addr add 10.99.0.100/32 dev eth0");
  expect(await cleanup(pair.here)).toEqual([]);
  expect(pair.here.run("ip -o addr show dev eth0")).toContain("10.99.0.100/32");
});

it("the machine's addresses, links and gateways are what the kernel says", async () => {
  using pair = await openPair();
  pair.here.run(`ip route add default via ${net.there}`);
  pair.here.run(`ip -6 route add default via ${net.there6}`);
  const addresses: readonly LocalAddress[] = await pair.here.evaluate(
    "network-facts.ts",
    "it.localAddresses()",
  );
  expect(addresses).toContainEqual({
    interface: "eth0",
    address: net.here6,
    prefixLength: 64,
    validFor: "forever",
  });
  expect(await pair.here.evaluate("network-facts.ts", 'it.interfaceFacts("eth0")')).toEqual({
    name: "eth0",
    mac: net.hereMac,
    up: true,
    carrier: true,
  });
  expect(await pair.here.evaluate("network-facts.ts", 'it.gatewaysOf("eth0")')).toEqual([
    net.there,
    net.there6,
  ]);
  expect(await pair.here.evaluate("network-facts.ts", 'it.gatewaysOf("lo")')).toEqual([]);
});

it("a service is seen to listen, whichever address it is bound to", async () => {
  for (const host of ["127.0.0.1", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"]) {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const bound = server.address();
    const port = typeof bound === "object" ? (bound?.port ?? 0) : 0;
    const ours = ["127.0.0.1", "::1"].map(parseAddress);
    expect(await isListening(port, ours)).toBe(true);
    // Two ways to be told: the second is for kernels that do not know the first.
    expect(listenersOf(port)).toEqual([parseAddress(host)]);
    expect(await listenersInProc(port)).toEqual([parseAddress(host)]);
    // One bound to an address that does not move is not the pair's service.
    const everywhere = host === "0.0.0.0" || host === "::";
    expect(await isListening(port, [parseAddress("192.0.2.1")])).toBe(everywhere);
    await new Promise((resolve) => server.close(resolve));
    expect(await isListening(port, ours)).toBe(false);
    expect([listenersOf(port), await listenersInProc(port)]).toEqual([[], []]);
  }
});
