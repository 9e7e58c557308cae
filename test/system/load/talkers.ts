/**
 * Clients that hold connections to a line-server and say something on each of them now and then. Usage:
 * talkers OPTIONS-AS-JSON. Writes what became of them four times a second; when its standard input ends it
 * closes them all, as a client does, and ends.
 */
import { connect, type Socket } from "node:net";

import { now } from "../../../src/practice/wait.ts";

export interface Talk {
  readonly port: number;
  readonly count: number;
  /** Milliseconds between two lines of one connection. */
  readonly every: number;
  /** Connections of several talks may share it, as behind a router that translates addresses. */
  readonly localPort?: number;
  /** Instead of talking: a download with a pause in the middle, in milliseconds. */
  readonly pause?: number;
}

export interface TalkersOptions {
  readonly address: string;
  readonly talks: readonly Talk[];
}

/** So far. */
export interface Told {
  readonly at: number;
  readonly open: number;
  /** Connections of each machine, opened so far. */
  readonly of: Readonly<Record<string, number>>;
  readonly answers: number;
  readonly downloads: number;
  readonly broken: readonly string[];
}

const { address, talks } = JSON.parse(process.argv[2] ?? "{}") as TalkersOptions;
const sockets = new Set<Socket>();
const opened: Record<string, number> = {};
const broken: string[] = [];
let answers = 0;
let downloads = 0;
let closing = false;
/** More at once overflow the server's queue. */
const opensAtOnce = 200;

process.stdin.resume().once("end", () => {
  closing = true;
  for (const socket of sockets) socket.end();
  setTimeout(() => process.exit(0), 2000);
});
setInterval(() => {
  const told: Told = { at: now(), open: sockets.size, of: opened, answers, downloads, broken };
  process.stdout.write(`${JSON.stringify(told)}\n`);
}, 250);
for (const talk of talks) {
  for (let from = 0; from < talk.count; from += opensAtOnce) {
    const count = Math.min(opensAtOnce, talk.count - from);
    setTimeout(() => Array.from({ length: count }, () => begin(talk)), from / 4);
  }
}

function begin(talk: Talk): void {
  const { port, localPort } = talk;
  const socket = connect({
    host: address,
    port,
    noDelay: true,
    ...(localPort !== undefined && { localPort }),
  });
  let text = "";
  let who = "";
  sockets.add(socket);
  socket.setEncoding("latin1");
  socket.on("data", (chunk) => {
    text += String(chunk);
    if (!text.includes("\n")) return;
    if (who === "") {
      who = text.trim();
      opened[who] = (opened[who] ?? 0) + 1;
      say(socket, talk);
    } else if (talk.pause === undefined) answers += 1;
    else if (text.length === 100_001) downloads += 1;
    else broken.push(`a download of ${text.length} bytes`);
    text = "";
  });
  let why = "closed";
  socket.on("error", (error: NodeJS.ErrnoException) => {
    why = error.code ?? error.message;
  });
  socket.once("close", () => {
    sockets.delete(socket);
    if (!closing) broken.push(`${who || "nobody"}:${port} ${why}`);
  });
}

function say(socket: Socket, { every, pause }: Talk): void {
  if (pause !== undefined) {
    socket.write(`download ${pause}\n`);
    return;
  }
  setTimeout(function again(): void {
    if (socket.destroyed || closing) return;
    socket.write("a word\n");
    setTimeout(again, every);
  }, Math.random() * every);
}
