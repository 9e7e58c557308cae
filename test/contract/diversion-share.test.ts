import { expect, it } from "vitest";

import { noDiversion } from "../../src/core/diversion.ts";
import { byShare, clientAddress, Lab, macs, shared, table } from "./diversion-lab.ts";

/** The holder hands over new connections; those that it has, and those it has handed over, stay. */

const both = [shared.v4, shared.v6] as const;

it.each(both)("a share of %s goes over, none of them moves again, and all come home", async (a) => {
  using lab = await Lab.start();
  const { here, client } = lab;
  await here.divert(byShare(0));
  expect(await client.call("open", "old", a)).toBe("here");
  expect(await client.call("tally", 100, a)).toEqual({ here: 100 });

  await here.divert(byShare(0.2));
  const some = await client.call("tally", 400, a);
  expect(Object.keys(some).sort()).toEqual(["here", "there"]);
  expect(some["there"]).toBeGreaterThan(30);
  expect(some["there"]).toBeLessThan(150);

  await here.divert(byShare(1));
  expect(await client.call("tally", 100, a)).toEqual({ there: 100 });
  expect(await client.call("open", "new", a)).toBe("there");
  expect(await client.call("ask", "old", "still")).toBe("here 5");
  expect(await here.call("moved")).toContainEqual(
    expect.objectContaining({ address: a, port: 80 }),
  );

  await here.divert(byShare(0));
  expect(await client.call("tally", 100, a)).toEqual({ here: 100 });
  expect(await client.call("ask", "new", "still")).toBe("there 5");
  expect(await client.call("ask", "old", "still")).toBe("here 5");
  await client.call("close", "new");
  const counts = { given: 101 + (some["there"] ?? 0), stayed: 201 + (some["here"] ?? 0) };
  const told = () => JSON.stringify(here.counted.at(-1)) === JSON.stringify(counts);
  await here.eventually("the counts", told);

  await here.divert(noDiversion);
  expect(here.namespace.run("nft list tables")).toBe("");
  expect(await client.call("ask", "old", "still")).toBe("here 5");
  expect(here.troubles).toEqual([]);
  // The filling of one chain, not a new table, changed the share.
  expect(here.commands.filter((line) => line.includes("fwd to")).length).toBe(1);
});

it("a source port that is used again decides anew, a SYN that is repeated does not", async () => {
  using lab = await Lab.start();
  const { here, client } = lab;
  const localPort = 40_000;
  await here.divert(byShare(1));
  expect(await client.call("open", "one", shared.v4, { localPort })).toBe("there");
  await here.divert(byShare(0));
  expect(await client.call("ask", "one", "x")).toBe("there 1");
  await client.call("close", "one");
  client.namespace.run("sysctl -q -w net.ipv4.tcp_tw_reuse=1");
  lab.there.namespace.run("ss -K -t state time-wait");
  const again = { localPort: localPort + 1 };
  expect(await client.call("open", "two", shared.v4, again)).toBe("here");

  // The target is deaf for a moment: its SYN is repeated after the share went down.
  const deaf = "ip link set eth0 down";
  await here.divert(byShare(1));
  lab.there.namespace.run(deaf);
  const late = client.call("open", "late", shared.v4, { localPort: localPort + 2 });
  await here.eventually("its SYN", () => (here.counted.at(-1)?.given ?? 0) >= 2);
  await here.divert(byShare(0));
  lab.there.namespace.run("ip link set eth0 up");
  expect(await late).toBe("there");
});

it("testers go over whatever the share is, their datagrams too, and nobody else", async () => {
  using lab = await Lab.start();
  const { here, client } = lab;
  const other = clientAddress.second;
  await here.divert(byShare(0, clientAddress.v4, clientAddress.v6));
  expect(await client.call("tally", 40, shared.v4)).toEqual({ there: 40 });
  expect(await client.call("tally", 40, shared.v6)).toEqual({ there: 40 });
  expect(await client.call("tally", 40, shared.v4, { localAddress: other })).toEqual({ here: 40 });
  expect(await client.call("datagram", shared.v4, 4)).toBe("there 4");
  expect(await client.call("datagram", shared.v4, 4, other)).toBe("here 4");
  expect(await client.call("datagram", shared.v4, 4000)).toBe("there 4000");
  await here.divert(byShare(0));
  expect(await client.call("tally", 40, shared.v4)).toEqual({ here: 40 });
  expect(await client.call("datagram", shared.v4, 4)).toBe("here 4");
});

it.each(both)("all datagrams to %s go over at share 1, whole, and none below", async (a) => {
  using lab = await Lab.start();
  const { here, client } = lab;
  await here.divert(byShare(0.99));
  expect(await client.call("datagram", a, 4000)).toBe("here 4000");
  await here.divert(byShare(1));
  expect(await client.call("datagram", a, 4)).toBe("there 4");
  expect(await client.call("datagram", a, 4000)).toBe("there 4000");
  // Echoes are about the machine that holds the address.
  await client.namespace.start("ping", "-c", "1", "-W", "1", a);
  const shown = client.namespace.run(`ip neigh show to ${a} dev eth0`);
  expect(shown).toContain(macs.here);
});

it("what an earlier agent left is taken over with its connections", async () => {
  using lab = await Lab.start();
  const { here, client } = lab;
  await here.divert(byShare(1));
  expect(await client.call("open", "one", shared.v4)).toBe("there");
  here.kill();
  here.start(macs.here, both);
  await here.call("serve", "here");
  await here.divert(byShare(0));
  expect(await client.call("ask", "one", "still")).toBe("there 5");
  expect(await client.call("tally", 20, shared.v4)).toEqual({ here: 20 });
  expect(here.troubles).toEqual([]);
});

it("a table that cannot be taken over is replaced, one that vanished is put back", async () => {
  using lab = await Lab.start();
  const { here, client } = lab;
  here.namespace.run(`nft add table netdev ${table}`);
  here.namespace.runWords("nft", `add set netdev ${table} moved4 { type ipv4_addr; }`);
  await here.divert(byShare(1));
  expect(here.troubles.join()).toContain("datatype mismatch");
  expect(await client.call("tally", 20, shared.v4)).toEqual({ there: 20 });

  here.namespace.run("nft flush ruleset");
  const isBack = () => here.namespace.run("nft list tables") !== "";
  await here.eventually("the table again", isBack);
  expect(here.troubles.at(-1)).toContain("removed by somebody else");
  expect(await client.call("tally", 20, shared.v4)).toEqual({ there: 20 });
});
