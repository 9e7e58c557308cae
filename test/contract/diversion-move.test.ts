import { expect, it } from "vitest";

import { noDiversion } from "../../src/core/diversion.ts";
import {
  allButKept,
  both,
  byShare,
  clientAddress,
  kept,
  Lab,
  macs,
  shared,
  table,
} from "./diversion-lab.ts";

/** The address changes machines; whoever has a connection keeps it where it is. */

it.each(both)("connections to %s outlive the move on the machine that has them", async (a) => {
  using lab = await Lab.start();
  const { here, there, client } = lab;
  await here.divert(byShare(0));
  expect(await client.call("open", "idle", a)).toBe("here");
  expect(await client.call("open", "download", a)).toBe("here");
  await here.divert(byShare(1));
  expect(await client.call("open", "moved", a)).toBe("there");
  expect(await client.call("open", "moved download", a)).toBe("there");
  // Three megabytes, and three seconds.
  await client.call("say", "download", "send 3000000");
  await client.call("say", "moved download", "send 3000000");

  const { flows, counted } = await here.call("list");
  expect(flows.map(({ address, port }) => `${address} ${port}`)).toEqual([`${a} 80`, `${a} 80`]);
  const who = a === shared.v4 ? clientAddress.v4 : clientAddress.v6;
  expect(counted).toEqual({ total: 2, clients: [{ client: who, count: 2 }] });
  await there.keep(flows);
  await there.divert(kept);
  await here.keep(flows);
  await here.divert(allButKept);
  expect(await client.call("ask", "idle", "old entry")).toBe("here 9");
  expect(await client.call("ask", "moved", "old entry")).toBe("there 9");
  lab.move();
  expect(await client.call("ask", "idle", "old entry")).toBe("here 9");
  expect(await client.call("tally", 20, a)).toEqual({ there: 20 });

  lab.announce(macs.there);
  await here.call("forgetStragglers");
  expect(await client.call("ask", "idle", "new entry")).toBe("here 9");
  expect(await client.call("ask", "moved", "new entry")).toBe("there 9");
  expect(await client.call("tally", 20, a)).toEqual({ there: 20 });
  expect(await client.call("datagram", a, 4000)).toBe("there 4000");
  for (const key of ["download", "moved download"]) {
    const { ended, bytes } = await client.end(key);
    expect(ended).toBe("end");
    expect(bytes).toBeGreaterThan(3_000_000);
  }
  // What came after the announcement came to the right machine.
  expect(await here.call("stragglers")).toEqual([]);

  await client.call("close", "idle");
  expect((await here.call("list")).counted.total).toBe(0);
  await Promise.all([here.divert(noDiversion), there.divert(noDiversion)]);
  expect(here.namespace.run("nft list tables")).toBe(`table arp ${table}\n`);
  expect(there.namespace.run("nft list tables")).toBe("");
  expect(await client.call("ask", "moved", "at last")).toBe("there 7");
});

it.each(both)("a client with an old entry for %s is served, and named", async (a) => {
  using lab = await Lab.start();
  const { here, there, client } = lab;
  await here.divert(byShare(1));
  await here.keep([]);
  await here.divert(allButKept);
  lab.move();
  const { namespace } = client;
  namespace.run(`ip neigh replace ${a} lladdr ${macs.here} nud permanent dev eth0`);
  expect(await client.call("tally", 10, a)).toEqual({ there: 10 });
  expect(await client.call("datagram", a, 4000)).toBe("there 4000");
  const [one, ...others] = await here.call("stragglers");
  expect(others).toEqual([]);
  expect(one).toMatchObject({
    client: a === shared.v4 ? clientAddress.v4 : clientAddress.v6,
    mac: "02:00:00:00:00:07",
  });
  expect(one?.silentFor).toBeLessThan(60_000);
  // The target's own frames are nobody's.
  there.namespace.run(`ip neigh replace ${a} lladdr ${macs.here} nud permanent dev eth0`);
  expect(await here.call("stragglers")).toHaveLength(1);
});

it("a table for two families knows stragglers and connections of both", async () => {
  using lab = await Lab.start();
  const { here, client } = lab;
  await here.divert(byShare(1));
  for (const a of both) expect(await client.call("open", a, a)).toBe("there");
  const moved = await here.call("moved");
  expect(moved.map(({ address, client: from }) => `${address} ${from}`).sort()).toEqual([
    `${shared.v4} ${clientAddress.v4}`,
    `${shared.v6} ${clientAddress.v6}`,
  ]);
  await here.divert(allButKept);
  for (const a of both) expect(await client.call("ask", a, "x")).toBe("there 1");
  const late = await here.call("stragglers");
  expect(late.map(({ client: from }) => from).sort()).toEqual([clientAddress.v4, clientAddress.v6]);
});

it.each(both)("a frame for %s that came from the other machine is not handed back", async (a) => {
  using lab = await Lab.start();
  const { here, there, client } = lab;
  const localPort = 40_000;
  const who = a === shared.v4 ? clientAddress.v4 : clientAddress.v6;
  await there.keep([{ address: a, port: 80, client: who, clientPort: localPort }]);
  await there.divert(kept);
  await here.divert(allButKept);
  expect(await client.call("open", "one", a, { localPort })).toBe("there");
});

it.each(both)("clients of a target that died are reset, and served at home: %s", async (a) => {
  using lab = await Lab.start();
  const { here, there, client } = lab;
  await here.divert(byShare(1));
  expect(await client.call("open", "lost", a)).toBe("there");
  await client.call("say", "lost", "send 100000000");
  there.namespace.run("ip link set eth0 down");
  await here.call("abandon");
  await here.eventually("no diversion", () => here.diverted.at(-1)?.kind === "none");
  expect(here.namespace.run("nft list tables")).toBe("");
  expect((await client.end("lost")).ended).toBe("ECONNRESET");
  expect(await client.call("tally", 20, a)).toEqual({ here: 20 });
  expect(here.troubles).toEqual([]);
});

it.each(both)("clients whose first holder died after the move are reset: %s", async (a) => {
  using lab = await Lab.start();
  const { here, there, client } = lab;
  await here.divert(byShare(0));
  expect(await client.call("open", "lost", a)).toBe("here");
  const { flows } = await here.call("list");
  await there.keep(flows);
  await there.divert(kept);
  await here.keep(flows);
  await here.divert(allButKept);
  lab.move();
  lab.announce(macs.there);
  expect(await client.call("open", "new", a)).toBe("there");
  here.namespace.run("ip link set eth0 down");
  await there.call("abandon");
  expect((await client.end("lost")).ended).toBe("ECONNRESET");
  expect(await client.call("ask", "new", "x")).toBe("there 1");
  expect(there.namespace.run("nft list tables")).toBe("");
  expect(there.troubles).toEqual([]);
});

it("the target knows whom it was handed, and who found it by itself", async () => {
  using lab = await Lab.start();
  const { here, there, client } = lab;
  const { second } = clientAddress;
  await there.call("reconcile", noDiversion, macs.here);
  await there.eventually("the watch", () => there.namespace.run("nft list tables") !== "");
  await here.divert(byShare(1));
  expect(await client.call("tally", 5, shared.v4)).toEqual({ there: 5 });
  expect(await client.call("tally", 5, shared.v6)).toEqual({ there: 5 });
  const own = { localAddress: second };
  expect(await client.call("tally", 5, "10.99.0.12", own)).toEqual({ there: 5 });
  const seen = { arrived: [clientAddress.v4, clientAddress.v6], direct: [second] };
  expect(await there.call("arrivals")).toEqual(seen);

  // It goes on while the target hands back what the holder keeps.
  await there.call("keep", []);
  await there.call("reconcile", kept, macs.here);
  await there.eventually("kept", () => there.diverted.at(-1)?.kind === "kept");
  expect(await client.call("tally", 5, shared.v4, own)).toEqual({ there: 5 });
  expect(await there.call("arrivals")).toEqual({
    arrived: expect.arrayContaining([clientAddress.v4, clientAddress.v6, second]),
    direct: [second],
  });
  lab.announce(macs.there);
  expect(await client.call("tally", 1, shared.v6)).toEqual({ there: 1 });
  expect((await there.call("arrivals")).direct).toEqual([second, clientAddress.v6]);

  await there.call("reconcile", noDiversion, macs.here);
  await there.eventually("kept no more", () => there.diverted.at(-1)?.kind === "none");
  expect(there.namespace.run(`nft list chain netdev ${table} ipv4`)).not.toContain("goto");
  await there.call("reconcile", noDiversion);
  const gone = () => !there.namespace.run("nft list tables").includes("netdev");
  await there.eventually("no table", gone);
});

it("errors about packets that are too long reach the machine that sent them", async () => {
  using lab = await Lab.start({ far: "to" });
  const { here, there, client } = lab;
  await here.divert(byShare(0));
  expect(await client.call("open", "old", shared.v4)).toBe("here");
  await here.divert(byShare(1));
  expect(await client.call("open", "new", shared.v4)).toBe("there");
  for (const [key, machine] of [
    ["new", there],
    ["old", here],
  ] as const) {
    await client.call("say", key, "send 100000");
    expect((await client.end(key)).ended).toBe("end");
    expect(machine.namespace.run("ip route get 10.98.0.7")).toContain("mtu 1000");
  }
});

it("what is split on the way stays together", async () => {
  using lab = await Lab.start({ far: "from" });
  const { here, there, client } = lab;
  await here.divert(byShare(0));
  expect(await client.call("open", "old", shared.v4)).toBe("here");
  await here.divert(byShare(1));
  expect(await client.call("open", "new", shared.v4)).toBe("there");
  const long = "x".repeat(20_000);
  expect(await client.call("ask", "new", long)).toBe("there 20000");
  expect(await client.call("ask", "old", long)).toBe("here 20000");
  const { flows } = await here.call("list");
  await there.keep(flows);
  await there.divert(kept);
  await here.keep(flows);
  await here.divert(allButKept);
  expect(await client.call("ask", "old", long)).toBe("here 20000");
  expect(await client.call("ask", "new", long)).toBe("there 20000");
  lab.move();
  lab.router?.run(`ip neigh replace ${shared.v4} lladdr ${macs.there} nud permanent dev eth0`);
  expect(await client.call("ask", "old", long)).toBe("here 20000");
  expect(await client.call("ask", "new", long)).toBe("there 20000");
  const split = lab.here.namespace.run("nstat -az IpReasmOKs");
  expect(Number(/IpReasmOKs\s+(\d+)/.exec(split)?.[1])).toBeGreaterThan(20);
});
