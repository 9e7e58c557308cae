import { spawnSync } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";

import { IpMonitor } from "../../src/linux/ip-monitor.ts";
import { type TroubleListener, Troubles } from "../../src/linux/troubles.ts";
import { type Scratch, scratch } from "./cli-fixtures.ts";

afterEach(() => vi.unstubAllEnvs());

/** What is found under the name `ip` from now on; `$0` is the name of a file in the same directory. */
async function pretend(directory: Scratch, script: string): Promise<void> {
  await writeFile(directory.path("ip"), `#!/bin/sh\n${script}\n`);
  await chmod(directory.path("ip"), 0o755);
  vi.stubEnv("PATH", `${directory.directory}:${process.env["PATH"]}`);
}

interface Ears {
  readonly onStarted?: () => void;
  readonly onFacts?: () => void;
  readonly onTrouble?: TroubleListener;
}

const ignore = (): void => {};

const monitorFor = ({ onStarted = ignore, onFacts = ignore, onTrouble = ignore }: Ears) =>
  new IpMonitor({
    onFacts,
    onStarted,
    troubles: new Troubles(onTrouble),
  });

test("a monitor that cannot live is one trouble, however often it is started", async () => {
  await using directory = await scratch();
  await pretend(directory, "exit 1");
  const told: string[] = [];
  let starts = 0;
  const monitor = monitorFor({
    onStarted: () => {
      starts += 1;
    },
    onTrouble: ({ kind }) => told.push(kind),
  });
  monitor.start();
  await vi.waitFor(() => expect(starts).toBe(4), 10_000);
  monitor.stop();
  expect(told).toEqual(["began"]);
});

test("one that lives again ends it", async () => {
  await using directory = await scratch();
  await pretend(directory, `[ -e "$0.well" ] && exec sleep 60; exit 1`);
  const told: string[] = [];
  const monitor = monitorFor({
    onTrouble: ({ kind }) => {
      told.push(kind);
      writeFileSync(directory.path("ip.well"), "");
    },
  });
  monitor.start();
  await vi.waitFor(() => expect(told).toEqual(["began", "ended"]), 10_000);
  monitor.stop();
});

test("what is read when it was stopped is told to nobody", async () => {
  await using directory = await scratch();
  await pretend(directory, `echo "2: eth1: <UP> mtu 1500"; : > "$0.said"`);
  let told = 0;
  const monitor = monitorFor({
    onFacts: () => {
      told += 1;
    },
  });
  monitor.start();
  // Without a turn of this process, so that the line waits in the pipe.
  spawnSync("sh", ["-c", `until [ -e ${directory.path("ip.said")} ]; do :; done`]);
  monitor.stop();
  await setTimeout(100);
  expect(told).toBe(0);
});
