import { existsSync } from "node:fs";
import { expect, it } from "vitest";

import { UdpTransport, type UdpTransportOptions } from "../../src/linux/udp.ts";
import { scratch } from "../unit/cli-fixtures.ts";
import { eventually, net, openPair } from "./namespace.ts";

const port = 42694;

interface End extends Disposable {
  readonly transport: UdpTransport;
  readonly heard: string[];
  readonly troubles: string[];
}

const open = (paths: UdpTransportOptions["paths"]): End => {
  const heard: string[] = [];
  const troubles: string[] = [];
  const transport = new UdpTransport({
    paths,
    port,
    onDatagram: (path, bytes) => heard.push(`${path} ${Buffer.from(bytes).toString()}`),
    onTrouble: (trouble) =>
      troubles.push(trouble.kind === "ended" ? `ended ${trouble.place}` : trouble.sentence),
  });
  transport.start();
  return { transport, heard, troubles, [Symbol.dispose]: () => transport.stop() };
};

/** Until it was heard: the other end may not be there yet. */
const sendUntil = (what: string, act: () => void, seen: () => boolean): Promise<void> =>
  eventually(what, () => {
    act();
    return seen();
  });

const forth = { local: "127.0.0.11", remote: "127.0.0.12" };
const back = { local: "127.0.0.12", remote: "127.0.0.11" };

it("datagrams go both ways on the path they were sent on", async () => {
  using one = open([forth, { local: "127.0.0.21", remote: "127.0.0.22" }]);
  using other = open([back, { local: "127.0.0.22", remote: "127.0.0.21" }]);
  const both = () => {
    one.transport.send(0, Buffer.from("hello"));
    other.transport.send(1, Buffer.from("good day"));
  };
  const heard = () => other.heard.includes("0 hello") && one.heard.includes("1 good day");
  await sendUntil("both datagrams", both, heard);
  expect(other.heard.every((text) => text === "0 hello")).toBe(true);
  expect(one.transport.received).toBe(one.heard.length);
});

it("a stranger is not heard", async () => {
  using one = open([forth]);
  using stranger = open([{ local: "127.0.0.13", remote: "127.0.0.11" }]);
  using other = open([back]);
  const both = () => {
    stranger.transport.send(0, Buffer.from("stranger"));
    other.transport.send(0, Buffer.from("peer"));
  };
  await sendUntil("the peer", both, () => one.heard.length > 20);
  expect(one.heard).not.toContain("0 stranger");
});

it("a peer without an agent is a state, told once, and its agent ends it", async () => {
  using one = open([forth]);
  const send = () => one.transport.send(0, Buffer.from("hello"));
  await sendUntil("the refusal", send, () => one.troubles.length > 0);
  for (let count = 0; count < 20; count += 1) send();
  expect(one.troubles).toEqual([
    `Cannot reach the agent at 127.0.0.12 port ${port}: nothing listens there`,
  ]);
  using other = open([back]);
  const answer = () => {
    send();
    other.transport.send(0, Buffer.from("here"));
  };
  await sendUntil("the answer", answer, () => one.troubles.length > 1);
  expect(other.heard.length).toBeGreaterThan(0);
  expect(one.troubles.at(-1)).toBe("ended path 127.0.0.11");
});

it("a path that nothing is the matter with is not told of", async () => {
  using one = open([forth]);
  using other = open([back]);
  const send = () => one.transport.send(0, Buffer.from("x"));
  await sendUntil("datagrams", send, () => other.heard.length > 10);
  expect(other.troubles).toEqual([]);
});

it("a local address that is missing is told once, and used when it comes", async () => {
  using pair = await openPair();
  await using place = await scratch();
  const troubled = place.path("troubled");
  const script = `
    import("node:fs").then(({ writeFileSync }) => new Promise((resolve) => {
      const said = [];
      const paths = [
        { local: "10.99.0.50", remote: "${net.there}" },
        { local: "127.0.0.11", remote: "127.0.0.11" },
      ];
      const transport = new it.UdpTransport({
        paths,
        port: ${port},
        onDatagram: (path) => said.includes("heard " + path) || said.push("heard " + path),
        onTrouble: ({ kind, place, sentence }) => {
          said.push(sentence ?? kind + " " + place);
          writeFileSync("${troubled}", "");
          if (kind === "ended") end();
        },
      });
      transport.start();
      const timer = setInterval(() => {
        transport.send(0, Buffer.from("x"));
        transport.send(1, Buffer.from("x"));
      }, 20);
      const late = setTimeout(() => end(), 30_000);
      const end = () => {
        clearInterval(timer);
        clearTimeout(late);
        transport.stop();
        resolve(said);
      };
    }))`;
  const result = pair.here.evaluate<string[]>("udp.ts", script);
  await eventually("the trouble", () => existsSync(troubled), 20_000);
  pair.here.run("ip addr add 10.99.0.50/24 dev eth0");
  const said = await result;
  expect(said).toContain("heard 1");
  expect(said).toContain(
    `Cannot use the path from 10.99.0.50 to ${net.there}: EADDRNOTAVAIL; trying again`,
  );
  expect(said.filter((text) => text.includes("EADDRNOTAVAIL"))).toHaveLength(1);
  expect(said.at(-1)).not.toContain("Cannot use");
});

it("IPv6 paths work, a link-local one with its interface too", async () => {
  using one = open([{ local: "::1", remote: "::1" }]);
  const send = () => one.transport.send(0, Buffer.from("hello"));
  await sendUntil("itself", send, () => one.heard.includes("0 hello"));
  using pair = await openPair();
  pair.here.run("ip addr add fe80::11/64 dev eth0 nodad");
  const heard = await pair.here.evaluate<string>(
    "udp.ts",
    `new Promise((resolve) => {
      const end = (word) => { transport.stop(); clearInterval(timer); resolve(word); };
      const transport = new it.UdpTransport({
        paths: [{ local: "fe80::11%eth0", remote: "fe80::11%eth0" }],
        port: ${port},
        onDatagram: (path, bytes) => end(String(bytes)),
        onTrouble: ({ sentence }) => end(sentence),
      });
      transport.start();
      const timer = setInterval(() => transport.send(0, Buffer.from("hello")), 20);
    })`,
  );
  expect(heard).toBe("hello");
});

it("a path whose interface went away and came back under another number works again", async () => {
  using pair = await openPair();
  const up = "ip link set a9 up && ip link set b9 up";
  const make = `ip link add a9 type veth peer name b9 && ${up}`;
  const address = "ip addr add fe80::11/64 dev a9 nodad";
  const other = "ip link add a8 type veth peer name b8";
  const troubles = await pair.here.evaluate<string[]>(
    "udp.ts",
    `new Promise((resolve) => {
      const { execSync } = process.getBuiltinModule("node:child_process");
      execSync("${make} && ${address}");
      const troubles = [];
      const transport = new it.UdpTransport({
        paths: [{ local: "fe80::11%a9", remote: "fe80::12%a9" }],
        port: ${port},
        onDatagram: () => {},
        onTrouble: ({ kind, place, sentence }) => {
          troubles.push(sentence ?? kind + " " + place);
          if (troubles.length === 1) execSync("${other} && ${make} && ${address}");
          else if (kind === "ended") end();
        },
      });
      transport.start();
      const end = () => {
        clearInterval(timer);
        clearTimeout(late);
        transport.stop();
        resolve(troubles);
      };
      const late = setTimeout(end, 6000);
      const timer = setInterval(() => transport.send(0, Buffer.from("x")), 20);
      // Long after it was opened, when nobody looks after it any more.
      setTimeout(() => execSync("ip link del a9"), 600);
    })`,
  );
  expect(troubles[0]).toContain("Cannot use the path from fe80::11%a9 to fe80::12%a9");
  expect(troubles.at(-1)).toBe("ended path fe80::11%a9");
});
