import {
  appendFileSync,
  closeSync,
  copyFileSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { follow, lineOf, openPlace, Server, upTo } from "./log-server.ts";

let place: string;
let log: string;
let server: Server;
beforeEach(() => {
  place = openPlace();
  log = join(place, "access.log");
  server = new Server();
});
afterEach(() => server.close());

describe("renamed", () => {
  test("the old file is read to its end, and what the server still writes to it", () => {
    server.open(log);
    const reader = follow(log);
    server.write(5);
    renameSync(log, `${log}.1`);
    server.write(2);
    reader.poll();
    server.write(2);
    reader.poll();
    server.open(log);
    server.write(2);
    reader.poll();
    expect(reader.numbers).toEqual(upTo(11));
  });
  test("the old file is read on beside the new one until it has been quiet for a while", () => {
    server.open(log);
    const late = openSync(log, "a");
    const reader = follow(log, { quietMillis: 10_000 });
    renameSync(log, `${log}.1`);
    server.open(log);
    reader.poll();
    reader.poll(9_000);
    writeSync(late, lineOf(1));
    reader.poll();
    reader.poll(9_000);
    writeSync(late, lineOf(2).slice(0, -1));
    reader.poll();
    expect(reader.numbers).toEqual([1]);
    reader.poll(10_000);
    expect(reader.numbers, "the last line has no newline").toEqual([1, 2]);
    writeSync(late, lineOf(3));
    reader.poll();
    expect(reader.numbers, "it was let go").toEqual([1, 2]);
    closeSync(late);
  });
  test("and the new file made late", () => {
    server.open(log);
    const reader = follow(log);
    server.write(1);
    renameSync(log, `${log}.1`);
    reader.poll();
    expect(reader.follower.problem).toContain("there is no such file");
    expect(reader.trouble(), "a rotation takes its time").toBeUndefined();
    server.write(2);
    reader.poll(5_000);
    reader.poll();
    expect(reader.trouble()).toContain("there is no such file");
    server.open(log);
    server.write(1);
    reader.poll();
    expect(reader.trouble()).toBeUndefined();
    expect(reader.numbers).toEqual(upTo(4));
  });
  test("and renamed back: it goes on where it was", () => {
    server.open(log);
    const reader = follow(log);
    server.write(2);
    renameSync(log, `${log}.1`);
    writeFileSync(log, "");
    reader.poll();
    renameSync(`${log}.1`, log);
    server.write(2);
    reader.poll();
    expect(reader.numbers).toEqual(upTo(4));
  });
  test("many times: descriptors are bounded", () => {
    server.open(log);
    const reader = follow(log);
    const before = descriptors();
    for (let turn = 1; turn <= 30; turn += 1) {
      server.write();
      renameSync(log, `${log}.${turn}`);
      server.open(log);
      reader.poll();
    }
    expect(reader.numbers).toEqual(upTo(30));
    expect(descriptors() - before).toBeLessThanOrEqual(8);
    reader.follower.close();
    expect(descriptors() - before).toBe(-1);
  });
});

describe("truncated", () => {
  test("what comes after counts from the beginning", () => {
    server.open(log);
    server.write(5);
    const reader = follow(log);
    server.write(2);
    reader.poll();
    server.truncate();
    reader.poll();
    server.write(2);
    reader.poll();
    expect(reader.numbers).toEqual(upTo(9, 6));
  });
  test("and grown past the old end between two looks", () => {
    server.open(log);
    server.write(2);
    const reader = follow(log);
    server.truncate();
    server.write(40);
    reader.poll();
    expect(reader.numbers).toEqual(upTo(42, 3));
  });
  test("and grown to just the old end, with the old time", () => {
    server.open(log);
    server.write(2);
    const reader = follow(log);
    const { size, atime, mtime } = statSync(log);
    server.truncate();
    server.write(2);
    utimesSync(log, atime, mtime);
    expect(statSync(log).size).toBe(size);
    reader.poll();
    expect(reader.numbers).toEqual([3, 4]);
  });
  test("under a server that does not append and leaves a hole", () => {
    const file = openSync(log, "w");
    const reader = follow(log);
    for (let number = 1; number <= 2000; number += 1) writeSync(file, lineOf(number));
    reader.poll();
    truncateSync(log);
    writeSync(file, lineOf(2001));
    reader.poll();
    expect(statSync(log).size).toBeGreaterThan(100_000);
    expect(reader.numbers).toEqual(upTo(2001));
    closeSync(file);
  });
});

describe("copied and truncated", () => {
  test.each(["access.log.1", "access.log-20261121"])(
    "what we had not read yet is read from %s",
    (copy) => {
      server.open(log);
      server.write(3);
      const reader = follow(log);
      server.write(2);
      reader.poll();
      server.write(2000);
      copyFileSync(log, join(place, copy));
      server.truncate();
      server.write(2);
      reader.poll();
      expect(reader.numbers).toEqual(upTo(2007, 4));
    },
  );
  test("an older copy is not mistaken for it", () => {
    server.open(log);
    const reader = follow(log);
    server.write(900);
    reader.poll();
    for (const older of ["0", "2"]) copyFileSync(log, `${log}.${older}`);
    server.truncate();
    reader.poll();
    server.write(600);
    reader.poll();
    server.write(100);
    copyFileSync(log, `${log}.1`);
    server.truncate();
    server.write(1);
    reader.poll();
    expect(reader.numbers).toEqual(upTo(1601));
  });
  test("a half line in the copy counts for itself, and the next is whole", () => {
    server.open(log);
    const reader = follow(log);
    server.write(1);
    reader.poll();
    server.writeHalf();
    copyFileSync(log, `${log}.1`);
    server.truncate();
    appendFileSync(log, lineOf(3));
    reader.poll();
    expect(reader.numbers).toEqual([1, Number.NaN, 3]);
  });
});

function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
