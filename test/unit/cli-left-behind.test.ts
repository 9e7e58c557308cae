import { mkdir, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";

import { leftBehind } from "../../src/cli/left-behind.ts";
import { type Scratch, scratch } from "./cli-fixtures.ts";

const faulty = "pair: shop # a comment\naddress: 203.0.113.300\n";
const entry = { epoch: 1, blind: false, holding: true, released: false };
const record = {
  entry: { ...entry, freeze: { on: false, stamp: 0 } },
  bootId: "b",
  pid: 1,
  addresses: ["203.0.113.10", "2001:db8::10"],
};

async function look(place: Scratch, text: string, journal?: string) {
  await writeFile(place.path("failover.yaml"), text);
  await mkdir(place.path("state"), { mode: 0o700 });
  if (journal !== undefined)
    await writeFile(place.path("state/journal.json"), journal, { mode: 0o600 });
  const config = place.path("failover.yaml");
  return leftBehind({ config, socket: "/run/www.sock", stateDir: place.path("state") });
}

test("a file with a fault: the addresses are the journal's", async () => {
  await using place = await scratch();
  const { pair, addresses, instead } = await look(place, faulty, JSON.stringify(record));
  expect(pair).toBe("shop");
  expect(addresses).toEqual(record.addresses);
  expect(instead).toContain("203.0.113.300");
  expect(instead).toContain(`Instead the journal in ${place.path("state")} is believed`);
});

test("no journal either: what has the pair's name can still be found", async () => {
  await using place = await scratch();
  const found = await look(place, faulty);
  expect(found).toMatchObject({ pair: "shop", addresses: [] });
  expect(found.instead).toContain("only tables are looked for, and an address may stay");
});

test.each(["{", '{"entry":1}'])("a damaged journal %j is none, and is named", async (journal) => {
  await using place = await scratch();
  const { addresses, instead } = await look(place, faulty, journal);
  expect(addresses).toEqual([]);
  expect(instead).toContain(`${place.path("state")}/journal.json: it is damaged: only tables`);
});

test("a file that does not name the pair: the socket does", async () => {
  await using place = await scratch();
  const { pair } = await look(place, "pair: [", JSON.stringify(record));
  expect(pair).toBe("www");
});

test("a file without a fault is believed alone", async () => {
  await using place = await scratch();
  const text = `pair: shop
address: 203.0.113.99
key: /etc/failover/key
nodes:
  a: { interface: eth0, paths: [203.0.113.11] }
  b: { interface: eth0, paths: [203.0.113.12] }
`;
  const found = await look(place, text, JSON.stringify(record));
  expect(found).toMatchObject({ pair: "shop", instead: undefined });
  expect(found.addresses).toEqual(["203.0.113.99"]);
});
