import { spawn, spawnSync } from "node:child_process";
import { mkdir, readFile, rename } from "node:fs/promises";
import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

import { boundedStream } from "../../src/cli/log-sink.ts";
import { createLog } from "../../src/cli/logging.ts";
import { scratch } from "./cli-fixtures.ts";

const untimed = (text: string): string[] =>
  text.split("\n").map((line) => line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d /, ""));

const nothing = (): void => {};

describe("a log file", () => {
  test("has one line a sentence, with local time and level", async () => {
    await using place = await scratch();
    const log = await createLog({ level: "debug", file: place.path("log") }, nothing);
    log.error("Cannot\nhold");
    log.warning("Late");
    log.info("Took");
    log.debug(() => "Beat");
    await log.settled();
    const text = await readFile(place.path("log"), "utf8");
    expect(untimed(text)).toEqual([
      "error   Cannot hold",
      "warning Late",
      "info    Took",
      "debug   Beat",
      "",
    ]);
    expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d error/);
  });

  test("does not even make the sentence that its level suppresses", async () => {
    await using place = await scratch();
    const log = await createLog({ level: "info", file: place.path("log") }, nothing);
    log.debug(() => {
      throw new Error("made");
    });
    log.info("Took");
    await log.settled();
    expect(untimed(await readFile(place.path("log"), "utf8"))).toEqual(["info    Took", ""]);
  });

  test("and its level are replaced from one sentence to the next", async () => {
    await using place = await scratch();
    const [first, second] = [place.path("first"), place.path("second")];
    const log = await createLog({ level: "info", file: first }, nothing);
    log.info("one");
    log.use({ level: "debug", file: second });
    log.debug(() => "two");
    log.use({ level: "warning", file: second });
    log.info("three");
    log.use({ level: "info", file: first });
    log.info("four");
    await log.settled();
    expect(untimed(await readFile(first, "utf8"))).toEqual(["info    one", "info    four", ""]);
    expect(untimed(await readFile(second, "utf8"))).toEqual(["debug   two", ""]);
  });

  test("is found again after logrotate has moved it, signal or not", async () => {
    await using place = await scratch();
    const [now, before] = [place.path("log"), place.path("log.1")];
    const log = await createLog({ level: "info", file: now }, nothing);
    log.info("one");
    await log.settled();
    await rename(now, before);
    log.info("two");
    await log.settled();
    await rename(now, place.path("log.2"));
    log.reopen();
    await log.settled();
    expect(untimed(await readFile(before, "utf8"))).toEqual(["info    one", ""]);
    expect(untimed(await readFile(place.path("log.2"), "utf8"))).toEqual(["info    two", ""]);
    expect(await readFile(now, "utf8")).toBe("");
  });

  test("that cannot be written is told once, and nothing is lost", async () => {
    await using place = await scratch();
    const told: (string | undefined)[] = [];
    const file = place.path("logs/log");
    const log = await createLog({ level: "info", file }, (sentence) => told.push(sentence));
    log.info("one");
    await log.settled();
    log.info("two");
    await log.settled();
    expect(told).toEqual([`Cannot write the log ${file}: there is no such file or directory`]);
    await mkdir(place.path("logs"));
    log.info("three");
    await log.settled();
    expect(told.at(-1)).toBeUndefined();
    const lines = untimed(await readFile(file, "utf8"));
    expect(lines).toEqual(["info    one", "info    two", "info    three", ""]);
  });
});

describe("standard error", () => {
  const child = fileURLToPath(new URL("./cli-logging-child.ts", import.meta.url));
  const args = ["--import", "tsx", child];

  test("of a service in the journal has priorities instead of times", () => {
    const script = 'JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec "$@"';
    // `stat` runs in a substitution, whose standard error is the same pipe.
    const { stderr } = spawnSync("sh", ["-c", script, "sh", process.execPath, ...args, "1"], {
      encoding: "utf8",
    });
    expect(stderr.replace(/x+/, "x")).toBe("<6>line 1 x\n<4>careful now\n<3>wrong\n");
  });

  test("that was redirected away from the journal has times", () => {
    const env = { ...process.env, JOURNAL_STREAM: "1:1" };
    const { stderr } = spawnSync(process.execPath, [...args, "0"], { encoding: "utf8", env });
    expect(untimed(stderr)).toEqual(["warning careful now", "error   wrong", ""]);
  });

  test("that nobody reads stops nobody, and takes no memory without end", async () => {
    const writer = spawn(process.execPath, [...args, "50000"]);
    writer.stderr.pause();
    let queued = "";
    writer.stdout.on("data", (chunk: Buffer) => {
      queued += chunk.toString();
    });
    const code = await new Promise((resolve) => writer.once("close", resolve));
    expect(code).toBe(0);
    expect(Number(queued)).toBeGreaterThan(1024 * 1024);
    expect(Number(queued)).toBeLessThan(1.1 * 1024 * 1024);
  });

  test("says how many lines were lost once it is read again", () => {
    const taken: string[] = [];
    let take = (): void => {};
    const target = new Writable({
      decodeStrings: false,
      write: (text: string, _encoding, done) => {
        taken.push(text);
        take = done;
      },
    });
    const stream = boundedStream(target);
    const line = `${"x".repeat(512 * 1024)}\n`;
    for (let count = 0; count < 10; count++) stream.write(line);
    while (target.writableLength > 0) take();
    stream.write("again\n");
    expect(taken.map((text) => text.replace(/x+/, "x"))).toEqual([
      "x\n",
      "x\n",
      "8 lines of this log lost: nobody read it\nagain\n",
    ]);
  });
});
