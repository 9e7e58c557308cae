import { afterAll, beforeAll, describe, expect, onTestFailed, test } from "vitest";

import type { Fault } from "../../src/practice/faults.ts";
import type { MachineName } from "../../src/practice/network.ts";
import { now, pause } from "../../src/practice/wait.ts";
import { Pair } from "./pair.ts";

/*
 * The matrix of cuts. Every one lasts longer than a lease and its grace, then heals. At no instant do
 * both machines answer for the address, and it ends where the service can be reached.
 */

let pair: Pair;
beforeAll(async () => {
  pair = await Pair.start();
});
afterAll(() => pair[Symbol.asyncDispose]());

interface Cut {
  readonly name: string;
  readonly faults: (holder: MachineName, standby: MachineName) => readonly Fault[];
  readonly ends: "holder" | "standby";
}

const cuts: readonly Cut[] = [
  {
    name: "the cable",
    faults: () => [{ path: "cable" }],
    ends: "holder",
  },
  {
    name: "the service network between the two machines",
    faults: (holder, standby) => [
      { from: holder, to: standby, path: "service" },
      { from: standby, to: holder, path: "service" },
    ],
    ends: "holder",
  },
  {
    name: "every datagram between the two machines, on all paths",
    faults: (holder, standby) => [
      { from: holder, to: standby, what: "udp" },
      { from: standby, to: holder, what: "udp" },
    ],
    ends: "holder",
  },
  {
    name: "every datagram of the holder to the standby",
    faults: (holder, standby) => [{ from: holder, to: standby, what: "udp" }],
    ends: "holder",
  },
  {
    name: "every datagram of the standby to the holder",
    faults: (holder, standby) => [{ from: standby, to: holder, what: "udp" }],
    ends: "holder",
  },
  {
    // The holder hears the claims of a machine that does not hear it, and lets go before it takes.
    name: "every frame of the holder to the standby",
    faults: (holder, standby) => [{ from: holder, to: standby }],
    ends: "standby",
  },
  {
    name: "every frame of the standby to the holder",
    faults: (holder, standby) => [{ from: standby, to: holder }],
    ends: "holder",
  },
  {
    name: "the standby's service network",
    faults: (_, standby) => [
      { from: standby, path: "service" },
      { to: standby, path: "service" },
    ],
    ends: "holder",
  },
  {
    name: "the holder's service network, while the cable is well",
    faults: (holder) => [
      { from: holder, path: "service" },
      { to: holder, path: "service" },
    ],
    ends: "standby",
  },
  {
    name: "everything of the standby",
    faults: (_, standby) => [{ from: standby }, { to: standby }],
    ends: "holder",
  },
  {
    name: "everything of the holder",
    faults: (holder) => [{ from: holder }, { to: holder }],
    ends: "standby",
  },
  {
    name: "a third of all frames",
    faults: () => [{ percent: 33 }],
    ends: "holder",
  },
];

describe.each(cuts)("cut: $name", ({ faults, ends }) => {
  test(`never two answer, and it ends with the ${ends}`, async () => {
    onTestFailed(() => console.error(pair.logs()));
    const roles = await pair.calm();
    const start = now();
    {
      await using _cut = await pair.lab.faults.add(...faults(roles.holder, roles.standby));
      await pause(5000);
      await pair.lab.untilHeldBy(roles[ends], { within: 5000 });
    }
    await pause(2000);
    await pair.lab.untilHeldBy(roles[ends]);
    await pair.answeredBy(roles[ends]);
    expect(await pair.doubles(start)).toEqual([]);
  });
});

describe.each([
  { plug: "the standby's plug", ends: "holder" },
  { plug: "the holder's plug", ends: "standby" },
  { plug: "the cable", ends: "holder" },
] as const)("pulled: $plug", ({ plug, ends }) => {
  test(`never two answer, and it ends with the ${ends}`, async () => {
    onTestFailed(() => console.error(pair.logs()));
    const roles = await pair.calm();
    const start = now();
    if (plug === "the cable") await pair.lab.switch.pull("cable");
    else
      await pair.lab.machines[plug === "the holder's plug" ? roles.holder : roles.standby].pull();
    await pause(3000);
    await pair.lab.untilHeldBy(roles[ends], { within: 5000 });
    await pair.answeredBy(roles[ends]);
    const after = await pair.calm();
    expect(after.holder).toBe(roles[ends]);
    expect(await pair.doubles(start)).toEqual([]);
  });
});
