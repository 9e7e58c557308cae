import { expect } from "vitest";

import { changeover } from "../../src/practice/samples.ts";
import { now, until } from "../../src/practice/wait.ts";
import {
  type ContainerName,
  type ContainerPair,
  logOf,
  other,
  patience,
  secondAddress,
  type Webs,
} from "./container-pair.ts";
import type { KernelWatch } from "./kernel-watch.ts";
import { median } from "./load/crowd.ts";

/*
 * What the events of the containers have in common: under load, with the kernel of each machine as witness.
 * Each prints what was measured.
 */

/** REPEAT of more than 1: also what takes minutes. */
export const rounds = Number(process.env["REPEAT"] ?? 1);

/**
 * For so many milliseconds both, or nobody, may seem to have the address: a change is stamped when it is printed,
 * and of two that follow each other at once the first may be printed late on a busy host.
 */
export const printedLateMillisMax = 50;

export function print(what: string, value: unknown): void {
  console.log(what, JSON.stringify(value));
}

/** Median and worst. */
export const spread = (values: readonly number[]) => ({
  median: Math.round(median(values)),
  worst: Math.round(Math.max(...values)),
  all: values.map(Math.round),
});

/** Nothing moves, nobody takes, and no request fails. The kernel has all addresses all the time. */
export async function expectSameHolder(
  pair: ContainerPair,
  what: string,
  act: (holder: ContainerName, standby: ContainerName) => Promise<unknown>,
): Promise<void> {
  const { holder, standby } = await pair.calm();
  const epoch = await pair.epoch(holder);
  const [second] = await pair.holders(secondAddress);
  await using watch = await pair.watch();
  await using secondWatch = await pair.watch(secondAddress);
  await using load = await pair.load();
  await act(holder, standby);
  await pair.untilRole(holder, "holding");
  await pair.untilRole(standby, "standby");
  const { requests, failed, worst } = await load.finish();
  const losses = [watch.losses(holder), second === undefined ? 0 : secondWatch.losses(second)];
  print(what, { requests, failed: failed.length, "worst ms": worst, losses, ...watch.spans() });
  expect(failed).toEqual([]);
  expect(losses).toEqual([0, 0]);
  expect(await pair.holders()).toEqual([holder]);
  expect(await pair.holders(secondAddress)).toEqual(second === undefined ? [] : [second]);
  expect(await pair.epoch(holder)).toBe(epoch);
}

/** Resolves when this agent, of this machine, has been replaced by another. */
export async function replaced(
  pair: ContainerPair,
  name: ContainerName,
  act: () => Promise<unknown>,
  unit = "failover",
): Promise<void> {
  const show = `systemctl show --property=InvocationID --value ${unit}`;
  const before = await pair.machine(name).tell(show);
  await act();
  const another = async (): Promise<boolean> =>
    !["", before].includes(await pair.machine(name).tell(show));
  await until(`another agent of ${unit} runs on ${name}`, another, patience);
}

/** The other has the address in the end, and at no moment both. */
export async function expectOtherHolder(
  pair: ContainerPair,
  what: string,
  act: (holder: ContainerName, standby: ContainerName, watch: KernelWatch) => Promise<unknown>,
  former: "standby" | "gone" = "standby",
): Promise<void> {
  const { holder, standby } = await pair.calm();
  await using watch = await pair.watch();
  await act(holder, standby, watch);
  await pair.untilRole(standby, "holding");
  if (former === "standby") await pair.untilRole(holder, "standby");
  expect(await pair.answers()).toBe(true);
  expect(await pair.has(standby)).toBe(true);
  print(`${what}: ms with`, watch.spans());
  expect(watch.spans().both).toBeLessThan(printedLateMillisMax);
}

/**
 * There and back; each way proved from the log of the web server that is there. In a drain both kernels
 * have the address for a moment.
 */
export async function promoteAndBack(pair: ContainerPair, webs: Webs): Promise<void> {
  const { holder, standby } = await pair.calm();
  for (const target of [standby, holder]) {
    const count = `grep -c '"GET / HTTP/1.1" 200' ${logOf(webs[target])} || true`;
    const workers = `pgrep -x ${webs[other(target)]} | sort | tr '\\n' ' '`;
    const before = Number(await pair.machine(target).tell(count));
    const old = await pair.machine(other(target)).tell(workers);
    await using watch = await pair.watch();
    await using load = await pair.load();
    await pair.machine(holder).tell(`failover promote ${target}`);
    const { requests, failed, worst } = await load.finish();
    print(`promote ${target}`, { requests, failed: failed.length, "worst ms": worst });
    print(`promote ${target}: ms with`, watch.spans());
    expect(failed).toEqual([]);
    expect(watch.spans().none).toBeLessThan(printedLateMillisMax);
    expect(await pair.holders()).toEqual([target]);
    expect(await pair.role(target)).toBe("holding");
    expect(await pair.role(other(target))).toBe("standby");
    expect(Number(await pair.machine(target).tell(count))).toBeGreaterThan(before + 10);
    // The hook ran in the sandbox of the unit, and the web server has heard it.
    expect(await pair.machine(other(target)).tell(workers)).not.toBe(old);
  }
}

/** Milliseconds from the last answer of the one to the first of the other, and for which no kernel had the address. */
export async function stopAndStart(
  pair: ContainerPair,
): Promise<{ readonly clients: number; readonly kernels: number }> {
  const { holder, standby } = await pair.calm();
  const machine = pair.machine(holder);
  await using watch = await pair.watch();
  await using load = await pair.load();
  const from = now();
  await machine.tell("systemctl stop failover");
  const { samples } = await load.finish();
  expect(await pair.holders()).toEqual([standby]);
  const { none, both } = watch.spans();
  expect(both).toBeLessThan(printedLateMillisMax);
  await machine.tell("systemctl start failover");
  await pair.untilRole(holder, "standby");
  const outage = changeover(samples, holder, standby, { from: from - 200, to: now() });
  return { clients: outage?.millis ?? Infinity, kernels: none };
}

/** Answers with the milliseconds until each next agent was ready. */
export async function killTwentyTimes(pair: ContainerPair, name: ContainerName): Promise<number[]> {
  const state = "systemctl show --property=MainPID,ActiveState failover";
  const told = await pair.machine(name).tell(`for round in $(seq 20); do
    pid=$(systemctl show --property=MainPID --value failover)
    begin=$(date +%s%N)
    kill -KILL $pid
    until ${state} > /run/state; grep -q ^ActiveState=active /run/state &&
      ! grep -qx -e MainPID=$pid -e MainPID=0 /run/state; do sleep 0.02; done
    echo $((($(date +%s%N) - begin) / 1000000))
  done`);
  return told.split("\n").map(Number);
}

/** What check advises on this machine about a subject, as it would be typed. */
export async function adviceOf(
  pair: ContainerPair,
  name: ContainerName,
  subject: string,
): Promise<string | undefined> {
  const told = await pair.machine(name).tell("failover check --json || true");
  const { findings } = JSON.parse(told) as {
    readonly findings: readonly {
      readonly level: string;
      readonly subject: string;
      readonly advice: string;
    }[];
  };
  return findings.find((one) => one.subject === subject && one.level !== "ok")?.advice;
}
