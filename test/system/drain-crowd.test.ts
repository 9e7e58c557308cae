import { expect, onTestFailed, test } from "vitest";

import { ClientLoad } from "../../src/practice/client-load.ts";
import { type MachineName, machineNames, serviceAddress } from "../../src/practice/network.ts";
import { now } from "../../src/practice/wait.ts";
import { DrainLab, exitCodes, startLineServer, thorough } from "./load/drain-lab.ts";
import { Talkers } from "./load/talkers-load.ts";

/** A process may have 20,000 files open here, so each port is a server's and a client's of its own. */
const ports = thorough ? [81, 82, 83, 84] : [81, 82, 83];
const perPort = thorough ? 12_500 : 1500;
/** Milliseconds between two lines of one connection. */
const every = thorough ? 30_000 : 10_000;

test("thousands of open connections stay where they are while the address moves", async () => {
  await using pair = await DrainLab.start();
  onTestFailed(() => console.error(pair.logs()));
  const { client, machines } = pair.lab;
  for (const name of machineNames) {
    for (const port of ports) {
      await startLineServer(machines[name], { name, port });
    }
  }
  const talkers = await Promise.all(
    ports.map((port) =>
      Talkers.start(client, {
        address: serviceAddress,
        talks: [{ port, count: perPort, every }],
      }),
    ),
  );
  await using asking = await ClientLoad.start(client, {
    address: serviceAddress,
    mode: "http",
    perSecond: 100,
    timeout: 5000,
  });
  const open = (): number => talkers.reduce((sum, { told }) => sum + told.open, 0);
  const before = open();
  expect(before).toBe(ports.length * perPort);
  const { holder, standby } = await pair.calm();
  const from = now();
  const swap = pair.promote(standby, "--drain", "120s");
  await pair.untilWord(holder, ["draining"]);
  await Promise.all(talkers.map((one) => one.heardAgain(3 * every)));
  expect(talkers.flatMap(({ told }) => told.broken)).toEqual([]);
  expect(open()).toBe(before);
  await Promise.all(talkers.map((one) => one.close()));
  const result = await swap;
  expect(result.code, result.stdout + result.stderr).toBe(exitCodes.done);
  console.log(
    `${before} connections, ${((now() - from) / 1000).toFixed(1)} s: ${phasesOf(pair, holder)}`,
  );
  expect(asking.samples.filter(({ kind }) => kind === "failure")).toEqual([]);
}, 300_000);

/** What the holder's agent said, with the seconds since the swap began. */
function phasesOf(pair: DrainLab, holder: MachineName): string {
  const lines = pair.lab.agents[holder].log().split("\n");
  const swaps = lines.filter((line) => / Swap [0-9a-f]{12}: |Letting the address go/.test(line));
  const began = Date.parse(swaps[0]?.slice(0, 29) ?? "");
  return swaps
    .map(
      (line) =>
        `\n  ${((Date.parse(line.slice(0, 29)) - began) / 1000).toFixed(2)} s ${line.slice(38)}`,
    )
    .join("");
}
