import { chmod, lstat, mkdir, readdir, rename, stat, writeFile } from "node:fs/promises";
import { createConnection, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { ControlClient } from "../../src/cli/control-client.ts";
import { ControlServer } from "../../src/cli/control-server.ts";
import { promote, type Scratch, scratch } from "../unit/cli-fixtures.ts";
import { StageAgent } from "./control-fixtures.ts";

let place: Scratch;
let path: string;

beforeEach(async () => {
  place = await scratch();
  path = place.path("run/www.sock");
});

afterEach(() => place[Symbol.asyncDispose]());

/** A connection that writes what no client of ours would. */
async function stranger(): Promise<{ socket: Socket; heard: () => string }> {
  const socket = createConnection(path);
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString();
  });
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("connect", resolve));
  return { socket, heard: () => text };
}

describe("the place of the socket", () => {
  test("is made for its owner alone", async () => {
    await using _agent = await StageAgent.at(path);
    expect((await stat(place.path("run"))).mode & 0o7777).toBe(0o700);
    expect((await stat(path)).mode & 0o7777).toBe(0o600);
    expect(await readdir(place.path("run"))).toEqual(["www.sock", "www.sock.lock"]);
  });

  test("is empty again after the agent has stopped", async () => {
    await (await StageAgent.at(path))[Symbol.asyncDispose]();
    expect(await readdir(place.path("run"))).toEqual(["www.sock.lock"]);
  });

  test("is taken over from a dead agent", async () => {
    await leaveBehind(path);
    await using _agent = await StageAgent.at(path);
    using client = await ControlClient.connect(path);
    expect((await client.status()).pair).toBe("www");
    expect(await readdir(place.path("run"))).toEqual(["www.sock", "www.sock.lock"]);
  });

  test("is not taken from a living one", async () => {
    await using _agent = await StageAgent.at(path);
    await expect(StageAgent.at(path)).rejects.toThrow(
      `Another agent already serves at ${path}: stop it first, or give this one another --socket`,
    );
    using client = await ControlClient.connect(path);
    expect((await client.status()).pair).toBe("www");
    expect(await readdir(place.path("run"))).toEqual(["www.sock", "www.sock.lock"]);
  });

  test("goes to one of ten that want it at once, over a dead one's name", async () => {
    await leaveBehind(path);
    const { ports, results } = await tenAtOnce();
    const winners = ports.filter((_, index) => results[index]?.status === "fulfilled");
    const losers = results.flatMap((one) =>
      one.status === "rejected" ? [one.reason.message] : [],
    );
    expect(winners).toHaveLength(1);
    expect(new Set(losers)).toEqual(
      new Set([
        `Another agent already serves at ${path}: stop it first, or give this one another --socket`,
      ]),
    );
    expect(await readdir(place.path("run"))).toEqual(["www.sock", "www.sock.lock"]);
    for (const port of ports) await port[Symbol.asyncDispose]();
  });

  test("is refused where others can write, with the command that mends it", async () => {
    await mkdir(place.path("run"));
    await chmod(place.path("run"), 0o777);
    await expect(StageAgent.at(path)).rejects.toThrow(`chmod 700 ${place.path("run")}`);
  });

  test("is refused where something else is", async () => {
    await mkdir(place.path("run"), { mode: 0o700 });
    await writeFile(path, "");
    await expect(StageAgent.at(path)).rejects.toThrow(`remove it: rm ${path}`);
    expect((await lstat(path)).isFile()).toBe(true);
  });

  test("is refused where its name is too long for the kernel", async () => {
    const long = place.path(`${"x".repeat(90)}.sock`);
    await expect(StageAgent.at(long)).rejects.toThrow("the path is longer than 100 bytes");
  });
});

/** What is left of an agent that was killed: a name without a listener. */
async function leaveBehind(name: string): Promise<void> {
  await mkdir(place.path("run"), { mode: 0o700 });
  const dead = createServer().listen(`${name}.dead`);
  await new Promise((resolve) => dead.once("listening", resolve));
  await rename(`${name}.dead`, name);
  await new Promise((resolve) => dead.close(resolve));
  expect((await lstat(name)).isSocket()).toBe(true);
}

async function tenAtOnce() {
  const ports = Array.from({ length: 10 }, () => new ControlServer());
  return { ports, results: await Promise.allSettled(ports.map((port) => port.listen(path))) };
}

describe("a client", () => {
  test("is told that no agent runs", async () => {
    await expect(ControlClient.connect(path)).rejects.toThrow(
      `Cannot reach the agent at ${path}: no agent is running; ` +
        "start it with systemctl start failover",
    );
  });

  test("trusts no socket that others can open", async () => {
    await using _agent = await StageAgent.at(path);
    await chmod(path, 0o660);
    await expect(ControlClient.connect(path)).rejects.toThrow(
      `its mode is 0660; chmod 600 ${path}`,
    );
  });

  test("gives an order, and hears the agent's own words when it is refused", async () => {
    await using agent = await StageAgent.at(path);
    using client = await ControlClient.connect(path);
    await client.order(promote);
    expect(agent.orders).toEqual([promote]);
    agent.refusal = "Cannot release: the pair is frozen";
    const refused = client.order({ kind: "release" });
    await expect(refused).rejects.toMatchObject({
      exitCode: 3,
      message: "Cannot release: the pair is frozen",
    });
  });

  test("that follows hears every change, until it leaves", async () => {
    await using agent = await StageAgent.at(path);
    const epochs: (number | undefined)[] = [];
    {
      using client = await ControlClient.connect(path);
      for await (const status of client.follow({ quietMillisMax: 5000 })) {
        epochs.push(status?.epoch);
        if (epochs.length === 3) break;
        agent.say({ epoch: 7 + epochs.length });
      }
      expect(agent.followers).toBe(1);
    }
    expect(epochs).toEqual([7, 8, 9]);
    await vi.waitFor(() => expect(agent.followers).toBe(0));
  });

  test("that follows notices silence, and goes on", async () => {
    await using agent = await StageAgent.at(path);
    using client = await ControlClient.connect(path);
    const heard: (number | undefined)[] = [];
    for await (const status of client.follow({ quietMillisMax: 20 })) {
      heard.push(status?.epoch);
      if (heard.length === 2) agent.say({ epoch: 8 });
      if (status?.epoch === 8) break;
    }
    expect(heard.slice(0, 2)).toEqual([7, undefined]);
  });

  test("that follows is told when the agent ends", async () => {
    const agent = await StageAgent.at(path);
    using client = await ControlClient.connect(path);
    const follow = async (): Promise<void> => {
      for await (const _ of client.follow({ quietMillisMax: 5000 })) {
        await agent[Symbol.asyncDispose]();
      }
    };
    await expect(follow()).rejects.toMatchObject({
      exitCode: 5,
      message: `Cannot reach the agent at ${path}: the agent closed the connection`,
    });
  });

  test("does not wait for an agent that is stopped", async () => {
    await mkdir(place.path("run"), { mode: 0o700 });
    const mute = createServer().listen(path);
    await new Promise((resolve) => mute.once("listening", resolve));
    await chmod(path, 0o600);
    using client = await ControlClient.connect(path);
    await expect(client.status()).rejects.toMatchObject({
      exitCode: 5,
      message: expect.stringContaining("it did not answer within 3 s; it is stopped or starved"),
    });
    mute.close();
  });

  test("refuses an agent of another version", async () => {
    await mkdir(place.path("run"), { mode: 0o700 });
    const other = createServer((socket) => socket.end('{"failover":2}\n')).listen(path);
    await new Promise((resolve) => other.once("listening", resolve));
    await chmod(path, 0o600);
    using client = await ControlClient.connect(path);
    await expect(client.status()).rejects.toThrow("it speaks another version; restart the agent");
    other.close();
  });
});

describe("hostile input", () => {
  test("is answered with an error, and the connection goes on", async () => {
    await using _agent = await StageAgent.at(path);
    const { socket, heard } = await stranger();
    socket.write('\n\u0000\n{"failover":1,"ask":"status"}\n');
    await vi.waitFor(() => expect(heard().split("\n")).toHaveLength(4));
    const answers = heard().trim().split("\n");
    expect(answers.map((line) => JSON.parse(line).say)).toEqual(["error", "error", "status"]);
    socket.destroy();
  });

  test("without an end is cut off", async () => {
    await using _agent = await StageAgent.at(path);
    const { socket, heard } = await stranger();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write("x".repeat(70_000));
    await closed;
    expect(heard()).toContain("a line is longer than 65536 bytes");
    await stillServes();
  });

  test("of a hundred thousand questions is answered no further than it is read", async () => {
    await using agent = await StageAgent.at(path);
    const { socket } = await stranger();
    socket.pause();
    const question = '{"failover":1,"ask":"status"}\n'.repeat(1000);
    for (let round = 0; round < 100; round++) {
      socket.write(question);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await stillServes();
    expect(agent.asked).toBeGreaterThan(10);
    expect(agent.asked).toBeLessThan(1000);
    socket.destroy();
  });

  test("of a follower that does not read is owed one status, the newest", async () => {
    await using agent = await StageAgent.at(path);
    const { socket, heard } = await stranger();
    socket.write('{"failover":1,"ask":"follow"}\n');
    await vi.waitFor(() => expect(agent.followers).toBe(1));
    socket.pause();
    for (let epoch = 1; epoch <= 2000; epoch++) agent.say({ epoch });
    socket.resume();
    await vi.waitFor(() => expect(heard()).toContain('"epoch":2000,'));
    expect(heard().split("\n").length).toBeLessThan(1000);
    socket.destroy();
  });

  test("of forty connections leaves room for none but the first", async () => {
    await using _agent = await StageAgent.at(path);
    const crowd = await Promise.all(Array.from({ length: 40 }, stranger));
    const refused = () => crowd.filter(({ heard }) => heard().includes("more than 32 commands"));
    await vi.waitFor(() => expect(refused()).toHaveLength(8));
    for (const { socket } of crowd) socket.destroy();
    await vi.waitFor(stillServes);
  });

  async function stillServes(): Promise<void> {
    using client = await ControlClient.connect(path);
    expect((await client.status()).pair).toBe("www");
  }
});
