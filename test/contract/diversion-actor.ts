import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, connect as openConnection, type Socket } from "node:net";
import { createInterface, type Interface } from "node:readline";

import { type Diversion, noDiversion } from "../../src/core/diversion.ts";
import { readArrivals } from "../../src/linux/diversion/arrivals.ts";
import { countConnections, listConnections } from "../../src/linux/diversion/connections-list.ts";
import { Diverter } from "../../src/linux/diversion/diverter.ts";
import { listDivertedFlows, listStragglers } from "../../src/linux/diversion/stragglers.ts";
import { parseAddress } from "../../src/linux/ip-address.ts";
import { Troubles } from "../../src/linux/troubles.ts";

/**
 * A machine of the diversion's lab: a diverter, a server that says its name, and a client, in the network
 * namespace it was started in. Calls come in as JSON lines, what came of each goes out.
 */

export interface ActorOptions {
  readonly table: string;
  readonly mac: string;
  readonly addresses: readonly string[];
}

export type ActorWord =
  | { readonly word: "answer"; readonly id: number; readonly value: unknown }
  | { readonly word: "failure"; readonly id: number; readonly reason: string }
  | { readonly word: "diverted"; readonly value: Diversion }
  | { readonly word: "kept"; readonly value: number }
  | { readonly word: "command" | "trouble"; readonly value: string };

const say = (word: ActorWord): void => void process.stdout.write(`${JSON.stringify(word)}\n`);

const options: ActorOptions = JSON.parse(process.argv[2] ?? "{}");
const { table, mac } = options;
const addresses = options.addresses.map(parseAddress);
const diverter = new Diverter({
  table,
  device: "eth0",
  ownMac: () => mac,
  addresses: () => addresses,
  onDiverted: (value) => say({ word: "diverted", value }),
  onKept: (flows) => say({ word: "kept", value: flows.length }),
  onCommand: (line, script = "") => say({ word: "command", value: `${line}\n${script}` }),
  troubles: new Troubles((trouble) => {
    if (trouble.kind !== "ended") say({ word: "trouble", value: trouble.sentence });
  }),
});

interface Client {
  readonly socket: Socket;
  readonly lines: AsyncIterator<string>;
  ended: string;
  bytes: number;
}

const clients = new Map<string, Client>();
const patienceMillis = 6000;

/** Answers every line with its name; `send N` with N bytes, ten kilobytes every ten milliseconds. */
const serve =
  (name: string) =>
  async (socket: Socket): Promise<void> => {
    socket.on("error", () => {});
    socket.write(`${name}\n`);
    for await (const line of createInterface({ input: socket })) {
      const [word, count = "0"] = line.split(" ");
      if (word !== "send") {
        socket.write(`${name} ${line.length}\n`);
        continue;
      }
      for (let left = Number(count); left > 0 && !socket.destroyed; left -= 10_000) {
        socket.write(Buffer.alloc(Math.min(left, 10_000), "x"));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      socket.end();
    }
  };

const lineOf = async (lines: AsyncIterator<string>, patience = patienceMillis): Promise<string> => {
  const late = new Promise<never>((_, reject) =>
    setTimeout(() => reject(new Error("no answer")), patience).unref(),
  );
  const next = await Promise.race([lines.next(), late]);
  return next.done ? "end" : next.value;
};

const open = async (
  address: string,
  more: { readonly localPort?: number; readonly localAddress?: string; readonly port?: number },
): Promise<Client> => {
  const socket = openConnection({ host: address, port: 80, ...more });
  const reader: Interface = createInterface({ input: socket });
  reader.on("error", () => {});
  const client: Client = { socket, lines: reader[Symbol.asyncIterator](), ended: "", bytes: 0 };
  socket.on("error", (error: NodeJS.ErrnoException) => {
    client.ended = error.code ?? error.message;
  });
  socket.on("end", () => {
    client.ended ||= "end";
  });
  socket.on("data", (data) => {
    client.bytes += data.length;
  });
  return client;
};

/** Opens one and waits for the server's name. */
const greeted = async (
  address: string,
  more = {},
  patience = patienceMillis,
): Promise<[string, Client]> => {
  const client = await open(address, more);
  try {
    const name = await lineOf(client.lines, patience);
    return [client.ended || name, client];
  } catch {
    return ["no answer", client];
  }
};

const calls = {
  reconcile: (...args: Parameters<Diverter["reconcile"]>) =>
    diverter.reconcile(args[0], args[1] ?? undefined),
  keep: (...args: Parameters<Diverter["keep"]>) => diverter.keep(...args),
  forgetStragglers: () => diverter.forgetStragglers(),
  /** As the agent does it: in the turn in which the diversion ends. */
  abandon: () => {
    diverter.reconcile(noDiversion);
    diverter.abandon();
  },
  stragglers: () => listStragglers(table),
  moved: () => listDivertedFlows(table),
  arrivals: async () => {
    const { arrived, direct } = await readArrivals(table);
    return { arrived: [...arrived], direct: [...direct] };
  },
  /** With the longest time that nothing else could run. */
  list: async () => {
    let longest = 0;
    let last = performance.now();
    const watch = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    const begun = performance.now();
    const flows = await listConnections(addresses);
    const took = performance.now() - begun;
    const counting = performance.now();
    const counted = await countConnections(addresses);
    const countTook = performance.now() - counting;
    clearInterval(watch);
    return { flows, counted, took, countTook, longest };
  },

  serve: async (name: string) => {
    const server = createServer((socket) => void serve(name)(socket).catch(() => {}));
    server.listen({ port: 80, host: "::", backlog: 4096 });
    await once(server, "listening");
    for (const { family, text } of addresses) {
      const socket = createSocket(family === 4 ? "udp4" : "udp6");
      socket.on("message", (data, { port, address }) =>
        socket.send(`${name} ${data.length}`, port, address),
      );
      socket.bind(53, text);
      await once(socket, "listening");
    }
  },

  /** The name of whoever serves, or how it failed. */
  open: async (key: string, address: string, more = {}) => {
    const [name, client] = await greeted(address, more);
    clients.set(key, client);
    return name;
  },
  ask: async (key: string, line: string) => {
    const client = clients.get(key);
    if (client === undefined) return "nobody";
    client.socket.write(`${line}\n`);
    try {
      return client.ended || (await lineOf(client.lines));
    } catch {
      return client.ended || "no answer";
    }
  },
  say: (key: string, line: string) => void clients.get(key)?.socket.write(`${line}\n`),
  look: (key: string) => {
    const client = clients.get(key);
    return { ended: client?.ended, bytes: client?.bytes };
  },
  close: async (key: string) => {
    const client = clients.get(key);
    clients.delete(key);
    if (client === undefined || client.socket.destroyed) return;
    client.socket.end();
    await once(client.socket, "close");
  },
  /** No more waiting for late frames: its port can be used again. */
  reset: async (key: string) => {
    const client = clients.get(key);
    clients.delete(key);
    if (client === undefined || client.socket.destroyed) return;
    client.socket.resetAndDestroy();
    await once(client.socket, "close");
  },
  /** Opens and closes so many, a few at a time, and counts who served. */
  tally: async (count: number, address: string, more = {}, patience = patienceMillis) => {
    const names: Record<string, number> = {};
    let left = count;
    const worker = async (): Promise<void> => {
      while (left-- > 0) {
        const [name, { socket }] = await greeted(address, more, patience);
        names[name] = (names[name] ?? 0) + 1;
        socket.destroy();
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    return names;
  },
  /** Opens so many to stay. */
  hold: async (count: number, address: string) => {
    for (let begun = 0; begun < count; begun += 100) {
      const some = Math.min(100, count - begun);
      await Promise.all(
        Array.from({ length: some }, async (_, index) => {
          clients.set(`held ${begun + index}`, (await greeted(address))[1]);
        }),
      );
    }
  },
  datagram: async (address: string, bytes: number, localAddress?: string) => {
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    socket.bind(0, localAddress);
    await once(socket, "listening");
    const answer = once(socket, "message").then(([data]) => `${data}`);
    const late = new Promise<string>((resolve) =>
      setTimeout(() => resolve("no answer"), 1000).unref(),
    );
    socket.send(Buffer.alloc(bytes, "x"), 53, address);
    const said = await Promise.race([answer, late]);
    socket.close();
    return said;
  },
};

export type Calls = typeof calls;

export interface ActorCall {
  readonly id: number;
  readonly call: keyof Calls;
  readonly args: readonly unknown[];
}

const obey = async ({ id, call, args }: ActorCall): Promise<void> => {
  try {
    const act = calls[call] as (...all: readonly unknown[]) => unknown;
    say({ word: "answer", id, value: (await act(...args)) ?? null });
  } catch (error) {
    say({ word: "failure", id, reason: String(error) });
  }
};

const input = createInterface({ input: process.stdin });
input.on("line", (line) => void obey(JSON.parse(line)));
input.on("close", () => process.exit());
