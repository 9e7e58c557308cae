import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import fc from "fast-check";
import { expect, test } from "vitest";

import { Journal, readJournal } from "../../src/cli/journal.ts";
import type { ReportTrouble } from "../../src/cli/patient-writer.ts";
import { prepareStateDirectory, readBootId } from "../../src/cli/state-directory.ts";
import type { JournalEntry } from "../../src/core/effect.ts";
import { scratch } from "./cli-fixtures.ts";

const entry: JournalEntry = {
  epoch: 7,
  blind: false,
  holding: true,
  released: false,
  freeze: { on: true, stamp: 3 },
  swap: { id: "0123456789ab", stage: "verifying", to: "02:00:00:00:00:12" },
};

const addresses = ["203.0.113.10", "2001:db8::10"];
const routes = ["default via 203.0.113.1 metric 50"];

const journalIn = (directory: string, report: ReportTrouble = () => {}): Journal =>
  new Journal({ directory, bootId: "boot-1", addresses: () => addresses, routes, report });

test.each([[entry], [{ ...entry, swap: undefined, holding: false }]])(
  "what is written is read again: %#",
  async (written) => {
    await using place = await scratch();
    const journal = journalIn(place.directory);
    journal.write(written);
    await journal.settled();
    expect(await readJournal(place.directory)).toEqual({
      kind: "found",
      record: { entry: written, bootId: "boot-1", pid: process.pid, addresses, routes },
    });
    expect(await readdir(place.directory)).toEqual(["journal.json"]);
  },
);

test("the last entry is written again with the addresses that are in force then", async () => {
  await using place = await scratch();
  let inForce = ["203.0.113.10"];
  const { directory } = place;
  const journal = new Journal({
    directory,
    bootId: "boot-1",
    addresses: () => inForce,
    routes: [],
    report: () => {},
  });
  journal.writeAgain();
  journal.write(entry);
  await journal.settled();
  inForce = addresses;
  journal.writeAgain();
  await journal.settled();
  expect(await readJournal(directory)).toMatchObject({ record: { entry, addresses } });
});

test("of an older version it names no addresses", async () => {
  expect(await readText(JSON.stringify({ entry, bootId: "boot-1", pid: 1 }))).toMatchObject({
    kind: "found",
    record: { addresses: [] },
  });
});

test("of a thousand entries at once the newest is kept, and no queue is made", async () => {
  await using place = await scratch();
  const journal = journalIn(place.directory);
  for (let epoch = 1; epoch <= 1000; epoch++) journal.write({ ...entry, epoch });
  await journal.settled();
  expect(await readJournal(place.directory)).toMatchObject({ record: { entry: { epoch: 1000 } } });
});

test("a machine that never had a journal has no reason to complain", async () => {
  await using place = await scratch();
  expect(await readJournal(place.directory)).toEqual({ kind: "none", reason: undefined });
});

async function readText(text: string | Uint8Array) {
  await using place = await scratch();
  await writeFile(place.path("journal.json"), text, { mode: 0o600 });
  return await readJournal(place.directory);
}

const record = { entry, bootId: "boot-1", pid: 1 };

test.each([
  [""],
  ["null"],
  [JSON.stringify(record).slice(0, -1)],
  [JSON.stringify({ ...record, pid: -1 })],
  [JSON.stringify({ ...record, bootId: 1 })],
  [JSON.stringify({ ...record, addresses: ["nowhere"] })],
  [JSON.stringify({ ...record, routes: ["default; reboot"] })],
  [JSON.stringify({ ...record, addresses: "203.0.113.10" })],
  [JSON.stringify({ ...record, entry: null })],
  [JSON.stringify({ ...record, entry: { ...entry, epoch: 1.5 } })],
  [JSON.stringify({ ...record, entry: { ...entry, epoch: -1 } })],
  [JSON.stringify({ ...record, entry: { ...entry, epoch: 2 ** 53 } })],
  [JSON.stringify({ ...record, entry: { ...entry, blind: "no" } })],
  [JSON.stringify({ ...record, entry: { ...entry, holding: 1 } })],
  [JSON.stringify({ ...record, entry: { ...entry, released: null } })],
  [JSON.stringify({ ...record, entry: { ...entry, freeze: [] } })],
  [JSON.stringify({ ...record, entry: { ...entry, freeze: { on: 1, stamp: 0 } } })],
  [JSON.stringify({ ...record, entry: { ...entry, swap: "0123456789ab" } })],
  [JSON.stringify({ ...record, entry: { ...entry, swap: { ...entry.swap, id: "0123456789a" } } })],
  [JSON.stringify({ ...record, entry: { ...entry, swap: { ...entry.swap, stage: "lost" } } })],
  [JSON.stringify({ ...record, entry: { ...entry, swap: { ...entry.swap, to: "nowhere" } } })],
])("a journal that makes no sense counts as none, and says so: %#", async (text) => {
  const found = await readText(text);
  expect(found).toMatchObject({ kind: "none", reason: expect.stringContaining("it is damaged") });
});

test("a journal of any bytes never throws", async () => {
  await using place = await scratch();
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.jsonValue().map((value) => JSON.stringify({ ...record, entry: value })),
    fc
      .jsonValue()
      .map((value) => JSON.stringify({ ...record, entry: { ...entry, freeze: value } })),
  );
  await fc.assert(
    fc.asyncProperty(bytes, async (text) => {
      await writeFile(place.path("journal.json"), text, { mode: 0o600 });
      expect((await readJournal(place.directory)).kind).toBe("none");
    }),
    { numRuns: 200 },
  );
});

test("a journal larger than any of ours is not read", async () => {
  expect(await readText("x".repeat(513 * 1024))).toMatchObject({
    kind: "none",
    reason: expect.stringContaining("it is larger than 524288 bytes"),
  });
});

test("a journal that others can write is refused with the command that mends it", async () => {
  await using place = await scratch();
  await writeFile(place.path("journal.json"), JSON.stringify(record));
  await chmod(place.path("journal.json"), 0o666);
  await expect(readJournal(place.directory)).rejects.toThrow(
    `its mode is 0666; chmod 600 ${place.path("journal.json")}`,
  );
});

test("an unwritable directory is told once, and once more when it is over", async () => {
  await using place = await scratch();
  const told: (string | undefined)[] = [];
  const directory = place.path("state");
  const journal = journalIn(directory, (sentence) => told.push(sentence));
  journal.write(entry);
  await journal.settled();
  journal.write({ ...entry, epoch: 8 });
  await journal.settled();
  const sentence = `Cannot write ${directory}/journal.json: there is no such file or directory`;
  expect(told).toEqual([sentence]);
  await mkdir(directory);
  journal.write({ ...entry, epoch: 9 });
  await journal.settled();
  expect(told).toEqual([sentence, undefined]);
  expect(await readJournal(directory)).toMatchObject({ record: { entry: { epoch: 9 } } });
});

test("the state directory is its owner's, and one that others can write is refused", async () => {
  await using place = await scratch();
  const directory = place.path("a/b");
  expect(await prepareStateDirectory(directory)).toBeUndefined();
  await chmod(directory, 0o770);
  await expect(prepareStateDirectory(directory)).rejects.toThrow(`chmod 700 ${directory}`);
});

test("a state directory that cannot be made is an alarm, and no reason not to serve", async () => {
  await using place = await scratch();
  await writeFile(place.path("file"), "");
  expect(await prepareStateDirectory(place.path("file/state"))).toBe(
    `Cannot make the state directory ${place.path("file/state")}: ` +
      "a part of the path is no directory",
  );
});

test("the boot has an id", async () => {
  expect(await readBootId()).toMatch(/^[0-9a-f-]{36}$/);
  expect(await readBootId()).toBe(
    (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim(),
  );
});
