import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";

import { type HistoryEntry, HistoryWriter, readHistory } from "../../src/cli/history.ts";
import { entryLine } from "../../src/cli/history-command.ts";
import { localTime } from "../../src/cli/logging.ts";
import { plainPaint } from "../../src/cli/terminal.ts";
import { scratch } from "./cli-fixtures.ts";

const entry = (epoch: number, sentence = "Took the address"): HistoryEntry => ({
  at: "2026-11-21T13:03:07.250Z",
  level: "warning",
  sentence,
  epoch,
});

const nothing = (): void => {};

test("what is appended is read again, oldest first, as many as are asked for", async () => {
  await using place = await scratch();
  const history = new HistoryWriter(place.directory, nothing);
  for (let epoch = 1; epoch <= 5; epoch++) history.append(entry(epoch));
  await history.settled();
  expect(await readHistory(place.directory, 100)).toEqual([1, 2, 3, 4, 5].map((n) => entry(n)));
  expect(await readHistory(place.directory, 2)).toEqual([entry(4), entry(5)]);
});

test("a machine without a history has an empty one", async () => {
  await using place = await scratch();
  expect(await readHistory(place.directory, 10)).toEqual([]);
});

test("lines that a crash cut, or that somebody wrote, are left out", async () => {
  await using place = await scratch();
  const lines = [
    "{",
    "null",
    '{"at":1}',
    JSON.stringify(entry(1)),
    JSON.stringify(entry(2)).slice(9),
  ];
  await writeFile(place.path("history.jsonl"), lines.join("\n"));
  expect(await readHistory(place.directory, 10)).toEqual([entry(1)]);
});

test("a file of 1 MiB makes room, and both are read", async () => {
  await using place = await scratch();
  const history = new HistoryWriter(place.directory, nothing);
  history.append(entry(1, "x".repeat(1024 * 1024)));
  await history.settled();
  history.append(entry(2));
  await history.settled();
  expect((await stat(place.path("history.jsonl.1"))).size).toBeGreaterThan(1024 * 1024);
  expect(await readFile(place.path("history.jsonl"), "utf8")).toBe(`${JSON.stringify(entry(2))}\n`);
  expect((await readHistory(place.directory, 10)).map(({ epoch }) => epoch)).toEqual([1, 2]);
});

test("while the disk does not take them the newest thousand are kept", async () => {
  await using place = await scratch();
  const told: (string | undefined)[] = [];
  const { directory } = place;
  const history = new HistoryWriter(`${directory}/file`, (sentence) => told.push(sentence));
  for (let epoch = 1; epoch <= 1500; epoch++) history.append(entry(epoch));
  await history.settled();
  expect(told).toEqual([
    `Cannot write ${directory}/file/history.jsonl: there is no such file or directory`,
  ]);
  await mkdir(`${directory}/file`);
  history.append(entry(1501));
  await history.settled();
  const epochs = (await readHistory(`${directory}/file`, 2000)).map(({ epoch }) => epoch);
  expect([epochs.length, epochs[0], epochs.at(-1)]).toEqual([1000, 502, 1501]);
  expect(told.at(-1)).toBeUndefined();
});

test("an entry is one line, with the local time", () => {
  const line = entryLine(entry(7, "The peer\ncannot hear us"), plainPaint);
  const time = localTime(new Date("2026-11-21T13:03:07.250Z"));
  expect(line).toBe(`${time}  epoch 7     warning  The peer cannot hear us`);
  expect(entryLine({ ...entry(7), at: "noon" }, plainPaint)).toContain("noon  epoch 7");
});

test("local time says its zone, and is the same instant", () => {
  const at = new Date("2026-11-21T13:03:07.250Z");
  expect(localTime(at)).toMatch(/^2026-11-2[012]T\d\d:\d\d:07\.250[+-]\d\d:\d\d$/);
  expect(new Date(localTime(at)).getTime()).toBe(at.getTime());
});
