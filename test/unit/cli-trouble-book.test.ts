import { beforeEach, expect, test } from "vitest";

import { TroubleBook } from "../../src/cli/daemon/trouble-book.ts";
import { instant } from "../../src/core/time.ts";
import { Troubles } from "../../src/linux/troubles.ts";

let now: number;
let told: string[];
let book: TroubleBook;
/** As a floor uses it. */
let floor: Troubles;

beforeEach(() => {
  now = 1000;
  told = [];
  book = new TroubleBook(() => instant(now));
  floor = new Troubles(book.listener((sentence) => told.push(sentence)));
});

const alerts = () => book.current.map(({ sentence, at }) => `${at} ${sentence}`);

test("a trouble is told once, lasts until it is mended, and tells when it is over", () => {
  floor.say("hearing", "Deaf");
  now += 3_600_000;
  floor.say("hearing", "Deaf");
  expect([told, alerts(), book.forget()]).toEqual([["Deaf"], ["1000 Deaf"], []]);
  floor.mended("hearing");
  now += 10_000;
  expect(book.forget()).toEqual(["Deaf"]);
  expect([alerts(), book.forget()]).toEqual([[], []]);
});

test("one that comes and goes is one trouble, from its first beginning", () => {
  for (let turn = 0; turn < 20; turn += 1) {
    floor.say("path", "Cannot use the path");
    now += 500;
    floor.mended("path");
    now += 9_000;
    expect(book.forget()).toEqual([]);
  }
  expect([told, alerts()]).toEqual([["Cannot use the path"], ["1000 Cannot use the path"]]);
});

test("another sentence at the same place is news, and takes the place of the first", () => {
  floor.say("path", "Refused");
  now += 500;
  floor.say("path", "Broken");
  expect([told, alerts()]).toEqual([["Refused", "Broken"], ["1500 Broken"]]);
});

test("what happened is told every time, and shown for a minute after the last time", () => {
  floor.happened("removal", "Removed");
  now += 40_000;
  floor.happened("removal", "Removed");
  now += 59_000;
  expect([told, alerts(), book.forget()]).toEqual([["Removed", "Removed"], ["1000 Removed"], []]);
  now += 1000;
  // It did not last, so its end is no news either.
  expect([book.forget(), alerts()]).toEqual([[], []]);
});

test("what this floor judges itself is over when it says so", () => {
  const report = book.reporter("journal", (sentence) => told.push(sentence));
  report("Cannot write");
  expect([told, alerts()]).toEqual([["Cannot write"], ["1000 Cannot write"]]);
  report(undefined);
  expect([alerts(), book.forget()]).toEqual([[], []]);
});
