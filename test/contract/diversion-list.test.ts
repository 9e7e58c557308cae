import { expect, it } from "vitest";

import { allButKept, byShare, clientAddress, kept, Lab, shared, table } from "./diversion-lab.ts";
import { wait } from "./namespace.ts";

/** Many connections, translated ones, and frames that are lost. */

it("thousands of connections are listed and loaded while the heart beats", async () => {
  using lab = await Lab.start();
  const { here, there, client } = lab;
  await client.call("hold", 8000, shared.v4);
  const { flows, counted, took, countTook, longest } = await here.call("list");
  expect(flows).toHaveLength(8000);
  expect(new Set(flows.map(({ clientPort }) => clientPort)).size).toBe(8000);
  expect(counted).toEqual({ total: 8000, clients: [{ client: clientAddress.v4, count: 8000 }] });
  // A generous bound: it shows slices, not how fast the machine is.
  expect(longest).toBeLessThan(1000);

  const many = Array.from({ length: 20_000 }, (_, index) => ({
    address: index % 2 === 0 ? shared.v4 : shared.v6,
    port: 443,
    client: index % 2 === 0 ? `10.77.${index >> 8}.${index & 255}` : `fd77::${index.toString(16)}`,
    clientPort: 50_000 + (index % 1000),
  }));
  const begun = performance.now();
  await there.keep([...flows, ...many]);
  const loaded = performance.now() - begun;
  await there.divert(kept);
  const turned = performance.now();
  await there.divert({ kind: "kept", to: "02:00:00:00:00:99" });
  console.log(
    `8000 connections: listed in ${took.toFixed()} ms, counted in ${countTook.toFixed()} ms, ` +
      `nothing else for ${longest.toFixed()} ms at most; ` +
      `28,000 flows loaded in ${loaded.toFixed()} ms; ` +
      `rules changed over them in ${(performance.now() - turned).toFixed()} ms`,
  );
  const shown = there.namespace.run(`nft list set netdev ${table} keep4`);
  expect(shown.match(/ \. 443\b/g)).toHaveLength(10_000);
  expect(shown.match(/ \. 80\b/g)).toHaveLength(8000);
  expect(there.commands.join().length).toBeLessThan(100_000);
  expect(there.troubles).toEqual([]);
});

it("connections that are passed on to a container are in the list, the machine's own are not", async () => {
  using lab = await Lab.start();
  const { here, client } = lab;
  const { namespace } = here;
  namespace.runWords("sysctl", "-q", "-w", "net.ipv4.ip_forward=1");
  for (const line of [
    "add table ip nat",
    "add chain ip nat pre { type nat hook prerouting priority -100; }",
    "add chain ip nat post { type nat hook postrouting priority 100; }",
    `add rule ip nat pre ip daddr ${shared.v4} tcp dport 8080 dnat to 10.99.0.12:80`,
    "add rule ip nat post ip daddr 10.99.0.12 masquerade",
  ]) {
    namespace.runWords("nft", line);
  }
  const port = 8080;
  expect(await client.call("open", "container", shared.v4, { port })).toBe("there");
  expect(await client.call("open", "socket", shared.v4)).toBe("here");
  expect(await client.call("open", "six", shared.v6)).toBe("here");
  expect(await here.call("open", "own", shared.v4)).toBe("here");
  expect(await here.call("open", "other", "10.99.0.12")).toBe("there");
  const { flows, counted } = await here.call("list");
  expect(flows.map((flow) => `${flow.client} to ${flow.address} ${flow.port}`).sort()).toEqual([
    `${clientAddress.v4} to ${shared.v4} 80`,
    `${clientAddress.v4} to ${shared.v4} 8080`,
    `${clientAddress.v6} to ${shared.v6} 80`,
  ]);
  expect(counted).toEqual({
    total: 3,
    clients: [
      { client: clientAddress.v4, count: 2 },
      { client: clientAddress.v6, count: 1 },
    ],
  });

  // It stays with the machine that translates it.
  await here.keep(flows);
  await here.divert(allButKept);
  expect(await client.call("ask", "container", "still")).toBe("there 5");
  expect(await client.call("ask", "socket", "still")).toBe("here 5");
  await client.call("close", "container");
  await client.call("close", "socket");
  expect((await here.call("list")).counted.total).toBe(1);
});

it.each([shared.v4, shared.v6])("SYN-ACKs of %s that are lost break nothing", async (a) => {
  using lab = await Lab.start();
  const { here, client } = lab;
  for (const line of [
    "add table netdev weather",
    'add chain netdev weather in { type filter hook ingress device "eth0" priority 0; }',
    "add rule netdev weather in tcp flags & (syn | ack) == (syn | ack) numgen random mod 10 < 3 drop",
  ]) {
    client.namespace.runWords("nft", line);
  }
  const patience = 30_000;
  const load = [1, 2, 3, 4].map(() => client.call("tally", 250, a, {}, patience));
  await wait(500);
  await here.divert(byShare(0));
  await wait(4000);
  for (const share of [0.5, 1, 0, 1]) {
    await here.divert(byShare(share));
    await wait(1500);
  }
  const totals: Record<string, number> = {};
  for (const names of await Promise.all(load)) {
    for (const [name, count] of Object.entries(names)) totals[name] = (totals[name] ?? 0) + count;
  }
  expect(Object.keys(totals).sort()).toEqual(["here", "there"]);
});
