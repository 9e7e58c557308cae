import { expect, onTestFinished, test } from "vitest";

import { hold } from "./host-contract.ts";
import { LinuxHarness } from "./linux-harness.ts";
import { absent, silent } from "./wishes.ts";

const addresses = ["10.99.0.100", "fd99::100"];

const server = `
require("node:net").createServer((socket) => socket.on("error", () => {})).listen(80, "::");
process.stdout.write("listening\\n");
`;
const clientOf = (address: string): string => `
const socket = require("node:net").connect(80, "${address}");
socket.once("connect", () => process.stdout.write("open\\n"));
socket.on("error", (error) => process.stdout.write(error.code + "\\n"));
`;

test.each(addresses)("connections that are cut hear a reset from %s before it goes", async (a) => {
  await using harness = await LinuxHarness.start({ addresses });
  const { here, there } = harness.pair;
  await hold(harness);
  let said = "";
  const run = (namespace: typeof here, script: string): void => {
    const child = namespace.spawn(process.execPath, "-e", script);
    child.stdin.on("error", () => {});
    onTestFinished(() => void child.kill("SIGKILL"));
    child.stdout.on("data", (chunk) => {
      said += String(chunk);
    });
  };
  run(here, server);
  await harness.eventually("the server", () => said.includes("listening"));
  run(there, clientOf(a));
  await harness.eventually("the connection", () => said.includes("open"));
  harness.host.reconcile(silent);
  const onLoopback = (): boolean => here.run("ip -o addr show dev lo").includes(` ${a}/`);
  await harness.eventually("the address on lo alone", () => harness.presence() === "none");
  await harness.eventually("the address on lo", onLoopback);
  harness.host.cutKept();
  harness.host.reconcile(absent);
  await harness.eventually("the reset", () => said.includes("ECONNRESET"));
  await harness.eventually("the address gone", () => !onLoopback());
  expect(harness.troubles).toEqual([
    expect.stringContaining("Ending 1 connection still open: 1 of"),
  ]);
});
