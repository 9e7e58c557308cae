import { chmod, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { millis } from "../../src/core/time.ts";
import { type BatchResult, IpBatch } from "../../src/linux/ip-batch.ts";
import { type Scratch, scratch } from "./cli-fixtures.ts";

/** An `ip -batch -` that refuses everything but the marker. */
const refusing = `#!/bin/sh
count=0
while read -r line; do
  count=$((count + 1))
  case "$line" in
    "link show dev lo") echo "1: lo: <LOOPBACK,UP>" ;;
    *) echo "Cannot find device"; echo "Command failed -:$count" ;;
  esac
done
`;

let directory: Scratch;
beforeEach(async () => {
  directory = await scratch();
  await writeFile(directory.path("ip"), refusing);
  await chmod(directory.path("ip"), 0o755);
  vi.stubEnv("PATH", `${directory.directory}:${process.env["PATH"]}`);
  // A child that is killed because this machine is slow would show nothing of what is tested.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(async () => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  await directory[Symbol.asyncDispose]();
});

const start = () => {
  const commands: string[] = [];
  const onCommand = (line: string): void => {
    commands.push(line);
  };
  return { commands, batch: new IpBatch({ patience: () => millis(1000), onCommand }) };
};

const up = "link set dev eth1 up";

test("what is refused is repeated once, by a fresh child", async () => {
  const { batch, commands } = start();
  const result = await new Promise<BatchResult>((resolve) => batch.run([up], resolve));
  batch.stop();
  expect(result).toEqual({
    kind: "failed",
    reasons: [`Cannot run ip ${up}: Cannot find device`],
  });
  expect(commands).toEqual([`ip ${up}`, `ip ${up}`]);
});

test("what was called off is not repeated", async () => {
  const { batch, commands } = start();
  const result = await new Promise<BatchResult>((resolve) => {
    const callOff = batch.run([up], resolve);
    callOff();
  });
  batch.stop();
  expect(result).toEqual({ kind: "called-off" });
  expect(commands).toEqual([`ip ${up}`]);
});

test("nothing of it is left when it was stopped", () => {
  const { batch } = start();
  const callOff = batch.run([up], () => {});
  callOff();
  batch.stop();
  expect(vi.getTimerCount()).toBe(0);
});
