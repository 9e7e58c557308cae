import {
  appendFileSync,
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { follow, LogReader, lineOf, openPlace, Server, upTo } from "./log-server.ts";

let place: string;
let log: string;
let server: Server;
beforeEach(() => {
  place = openPlace();
  log = join(place, "access.log");
  server = new Server();
});
afterEach(() => server.close());

describe("at the start", () => {
  test("only new lines count", () => {
    server.open(log);
    server.write(3);
    const reader = follow(log);
    server.write(2);
    reader.poll();
    expect(reader.numbers).toEqual([4, 5]);
    expect(reader.follower.problem).toBeUndefined();
  });
  test("the rest of a line begun before is no line", () => {
    server.open(log);
    server.writeHalf();
    const reader = follow(log);
    server.write(1);
    reader.poll();
    expect(reader.numbers).toEqual([2]);
  });
  test("a missing file is a state, and counts from its beginning once it appears", () => {
    const reader = follow(log);
    expect(reader.trouble()).toContain(`Cannot read ${log}: there is no such file`);
    server.open(log);
    server.write(3);
    reader.poll();
    expect(reader.numbers).toEqual([1, 2, 3]);
    expect(reader.trouble()).toBeUndefined();
  });
  test("so is a directory that does not exist yet", () => {
    log = join(place, "www", "access.log");
    const reader = follow(log);
    expect(reader.follower.problem).toContain("there is no such file");
    mkdirSync(join(place, "www"));
    reader.poll();
    expect(reader.follower.problem).toContain("there is no such file");
    server.open(log);
    server.write();
    reader.poll();
    expect(reader.numbers).toEqual([1]);
  });
  test("what is no file is reported and not waited for", () => {
    mkdirSync(log);
    const reader = follow(log);
    expect(reader.trouble()).toContain(`Cannot follow ${log}: it is not a regular file`);
  });
});

describe.skipIf(process.getuid?.() !== 0)("without permission", () => {
  /** Root may read everything: look as nobody. */
  function asNobody(act: () => void): void {
    process.seteuid?.(65_534);
    try {
      act();
    } finally {
      process.seteuid?.(0);
    }
  }

  test("the file counts from where it stood once it may be read", () => {
    server.open(log);
    server.write(2);
    chmodSync(log, 0o600);
    const reader = new LogReader(log);
    asNobody(() => reader.poll());
    expect(reader.trouble()).toContain(`Cannot read ${log}: permission denied`);
    server.write(3);
    chmodSync(log, 0o644);
    asNobody(() => reader.poll());
    expect(reader.numbers).toEqual([3, 4, 5]);
  });
  test("the old file is read on while the new one is denied", () => {
    server.open(log);
    const reader = follow(log);
    renameSync(log, `${log}.1`);
    writeFileSync(log, "", { mode: 0o600 });
    server.write(2);
    asNobody(() => reader.poll());
    expect(reader.follower.problem).toContain("permission denied");
    expect(reader.numbers).toEqual([1, 2]);
    server.open(log);
    server.write(2);
    chmodSync(log, 0o644);
    asNobody(() => reader.poll());
    expect(reader.numbers).toEqual([1, 2, 3, 4]);
  });
});

describe("deleted", () => {
  test("the deleted file is read on, and one made later from its beginning", () => {
    server.open(log);
    const reader = follow(log);
    server.write(2);
    unlinkSync(log);
    server.write(2);
    reader.poll();
    server.write(2);
    reader.poll();
    expect(reader.numbers).toEqual(upTo(6));
    server.open(log);
    server.write(2);
    reader.poll();
    expect(reader.numbers).toEqual(upTo(8));
  });
  test("with its directory", () => {
    mkdirSync(join(place, "www"));
    log = join(place, "www", "access.log");
    server.open(log);
    const reader = follow(log);
    server.write(2);
    rmSync(join(place, "www"), { recursive: true });
    reader.poll();
    expect(reader.follower.problem).toContain("there is no such file");
    mkdirSync(join(place, "www"));
    server.open(log);
    server.write(2);
    reader.poll();
    expect(reader.numbers).toEqual(upTo(4));
  });
});

describe("a symbolic link", () => {
  test("switched leads to the new file, and switched back goes on where it was", () => {
    const [one, two] = [join(place, "one"), join(place, "two")];
    const turnTo = (file: string): void => {
      symlinkSync(file, `${log}.new`);
      renameSync(`${log}.new`, log);
    };
    writeFileSync(one, lineOf(1));
    turnTo(one);
    const reader = follow(log);
    appendFileSync(one, lineOf(2));
    appendFileSync(two, lineOf(3));
    turnTo(two);
    reader.poll();
    appendFileSync(one, lineOf(4));
    turnTo(one);
    reader.poll();
    appendFileSync(two, lineOf(5));
    reader.poll();
    expect(reader.numbers.sort((a, b) => a - b)).toEqual([2, 3, 4, 5]);
  });
  test("switched back to a file let go long ago reads it from its beginning", () => {
    const turnTo = (name: string): void => {
      symlinkSync(join(place, name), `${log}.new`);
      renameSync(`${log}.new`, log);
    };
    for (const name of ["one", "two"]) writeFileSync(join(place, name), lineOf(1));
    turnTo("one");
    const reader = follow(log, { quietMillis: 1_000 });
    turnTo("two");
    reader.poll();
    reader.poll(1_000);
    expect(reader.numbers).toEqual([1]);
    turnTo("one");
    reader.poll();
    expect(reader.numbers).toEqual([1, 1]);
  });
  test("leading nowhere is a missing file", () => {
    symlinkSync(join(place, "nowhere"), log);
    expect(follow(log).follower.problem).toContain("there is no such file");
  });
});

describe("partial lines", () => {
  test("wait for their newline", () => {
    server.open(log);
    const reader = follow(log);
    server.writeHalf();
    reader.poll();
    reader.poll();
    expect(reader.numbers).toEqual([]);
    server.finishLine();
    reader.poll();
    expect(reader.numbers).toEqual([1]);
  });
  test("another follower goes on at their beginning", () => {
    server.open(log);
    const reader = follow(log);
    server.write(2);
    server.writeHalf();
    reader.poll();
    const start = reader.follower.position;
    reader.follower.close();
    server.finishLine();
    server.write(1);
    const next = follow(log, { start });
    expect(next.numbers).toEqual([3, 4]);
  });
});

test("bytes of any kind are lines like others", () => {
  writeFileSync(log, "");
  const lines: string[] = [];
  const sink = { line: (text: string) => lines.push(text), overlong: () => lines.push("overlong") };
  const reader = follow(log, { sink });
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  appendFileSync(
    log,
    Buffer.concat([every, Buffer.alloc(100_000, 0xff), Buffer.from("\r\nlast\n")]),
  );
  reader.poll();
  const before = every.subarray(1, 10).toString("latin1");
  expect(lines).toEqual([before, "overlong", "last"]);
});

test("a descriptor that fails is opened again, and reading goes on where it was", () => {
  server.open(log);
  const reader = follow(log);
  server.write(2);
  server.writeHalf();
  reader.poll();
  const ours = readdirSync("/proc/self/fd").filter((fd) => isOurs(fd));
  for (const fd of ours) closeSync(Number(fd));
  reader.poll();
  expect(reader.follower.problem).toMatch(/^Cannot read .+: EBADF/);
  server.write(1);
  reader.poll();
  expect(reader.follower.problem).toBeUndefined();
  expect(reader.numbers).toEqual(upTo(4));
});

/** The follower's descriptor of the log, and not the server's. */
function isOurs(fd: string): boolean {
  try {
    const flags =
      /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? "0";
    const writable = (Number.parseInt(flags, 8) & constants.O_WRONLY) !== 0;
    return readlinkSync(`/proc/self/fd/${fd}`) === log && !writable;
  } catch {
    return false; // The descriptor with which the list was read.
  }
}
