import { createInterface } from "node:readline";
import { expect, it } from "vitest";

import type { Wish } from "../../src/core/effect.ts";
import { hold } from "./host-contract.ts";
import { LinuxHarness } from "./linux-harness.ts";
import type { Namespace } from "./namespace.ts";
import { held } from "./wishes.ts";

/** A holder that is about to let go lets nobody new in, and those who are in end by themselves. */

const closing: Wish = { ...held, door: "closed" };

/** Repeats what it is told, and goes when its client does. */
const echoServer = `require("net").createServer((s) => s.pipe(s)).listen(80, () => console.log("up"))`;

/** Prints what comes back; "no" when it cannot connect within half a second. */
const client = (address: string) => `
  const socket = require("net").connect(80, "${address}");
  const gaveUp = setTimeout(() => { console.log("no"); process.exit(); }, 500);
  socket.once("connect", () => { clearTimeout(gaveUp); console.log("in"); });
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
`;

class Node {
  readonly said: string[] = [];
  readonly child: ReturnType<Namespace["spawn"]>;

  constructor(where: Namespace, script: string) {
    this.child = where.spawn(process.execPath, "-e", script);
    createInterface({ input: this.child.stdout }).on("line", (line) => this.said.push(line));
  }
}

it.each(["10.99.0.100", "fd99::100"])(
  "the door of %s keeps new clients out and old ones in",
  async (address) => {
    await using h = await LinuxHarness.start({ addresses: [address] });
    const { here, there } = h.pair;
    await hold(h);
    const server = new Node(here, echoServer);
    await h.eventually("the server", () => server.said.includes("up"));
    const early = new Node(there, client(address));
    await h.eventually("a client inside", () => early.said.includes("in"));

    h.host.reconcile(closing);
    const table = () => here.run("nft list tables");
    await h.eventually("the closed door", () => table() === "table inet failover_contract\n");
    const late = new Node(there, client(address));
    await h.eventually("a client outside", () => late.said.includes("no"));
    early.child.stdin.write("still here\n");
    await h.eventually("an answer", () => early.said.includes("still here"));
    const quiet = () => h.events.some((event) => event.kind === "door-observed");
    expect(quiet()).toBe(false);

    early.child.kill("SIGKILL");
    h.host.reconcile(held);
    await h.eventually("the open door", () => table() === "");
    h.host.reconcile(closing);
    await h.eventually("quiet", quiet);

    h.host.reconcile(held);
    await h.eventually("the open door", () => table() === "");
    const next = new Node(there, client(address));
    await h.eventually("a client inside", () => next.said.includes("in"));
    for (const { child } of [server, next]) child.kill("SIGKILL");
  },
);
