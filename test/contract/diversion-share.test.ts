import { expect, it } from "vitest";

import { noDiversion } from "../../src/core/diversion.ts";
import {
  declareScript,
  forgetScript,
  keepElements,
  keepScript,
  loadScript,
  pickScript,
  removeScript,
} from "../../src/linux/diversion/rules.ts";
import { parseAddress } from "../../src/linux/ip-address.ts";
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
import { Namespace } from "./namespace.ts";

/** The holder hands over new connections; those that it has, and those it has handed over, stay. */

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
  await client.call("reset", "one");
  expect(await client.call("open", "two", shared.v4, { localPort })).toBe("here");
  await here.divert(byShare(1));
  await client.call("reset", "two");
  expect(await client.call("open", "three", shared.v4, { localPort })).toBe("there");

  // The target is deaf for a moment: its SYN is repeated after the share went down.
  lab.there.namespace.run("ip link set eth0 down");
  const late = client.call("open", "late", shared.v4);
  const moved = () => here.namespace.run(`nft list set netdev ${table} moved4`).match(/ \. 80\b/g);
  await here.eventually("its SYN", () => moved()?.length === 2);
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

it.each([
  { texts: [shared.v4] },
  { texts: [shared.v6] },
  { texts: [shared.v4, shared.v6, "10.99.0.101", "fd99::101"] },
])("nft accepts every script for $texts, and nothing is left", async ({ texts }) => {
  using namespace = await Namespace.open();
  namespace.run("ip link add eth0.10 type veth peer name eth1");
  const addresses = texts.map(parseAddress);
  const scene = { table, device: "eth0.10", ownMac: macs.here, addresses };
  const diversions = [byShare(0), byShare(0.125, ...texts), byShare(1), allButKept, kept];
  const flow = { port: 80, clientPort: 50_000 };
  const flows = texts.map((address) => ({ ...flow, address, client: address }));
  for (const script of [
    declareScript(scene),
    keepScript(scene, [...keepElements(scene, flows)]),
    ...[noDiversion, ...diversions].flatMap((diversion) => [
      loadScript(scene, { diversion, arrivalsFrom: undefined }),
      loadScript(scene, { diversion, arrivalsFrom: macs.there }),
      ...(diversion.kind === "share" ? [pickScript(scene, diversion)] : []),
    ]),
    forgetScript(scene),
  ]) {
    namespace.runWords("nft", script);
  }
  for (const { family } of addresses) {
    expect(namespace.run(`nft list set netdev ${table} keep${family}`)).toContain(". 50000 .");
  }
  namespace.runWords("nft", removeScript(table));
  expect(namespace.run("nft list ruleset")).toBe("");
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
  // A diverter that lives puts its table back.
  here.kill();
  await here.namespace.evaluate("leftovers.ts", 'it.cleanup("contract", [])');
  expect(here.namespace.run("nft list tables")).toBe("");
});

it("a table that cannot be taken over is replaced, one that vanished is put back", async () => {
  using lab = await Lab.start();
  const { here, client } = lab;
  here.namespace.run(`nft add table netdev ${table}`);
  here.namespace.runWords("nft", `add set netdev ${table} moved4 { type ipv4_addr; }`);
  const impatient = setInterval(() => void here.call("reconcile", byShare(1)), 20);
  await here.divert(byShare(1));
  clearInterval(impatient);
  expect(here.troubles.join()).toContain("datatype mismatch");
  // Twice refused, then replaced: a wish that is repeated does not make it try more often.
  expect(here.commands).toHaveLength(3);
  expect(await client.call("tally", 20, shared.v4)).toEqual({ there: 20 });

  // The wish comes several times a second, and must not keep it from looking.
  const wishing = setInterval(() => void here.call("reconcile", byShare(1)), 20);
  here.namespace.run("nft flush ruleset");
  const isBack = () => here.namespace.run("nft list tables") !== "";
  await here.eventually("the table again", isBack);
  clearInterval(wishing);
  const isTold = () => here.troubles.at(-1)?.includes("removed by somebody else") === true;
  await here.eventually("its being told", isTold);
  expect(await client.call("tally", 20, shared.v4)).toEqual({ there: 20 });
});
