/**
 * Clients with connections that last: some ask again and again on one connection, some download. Usage:
 * visitors OPTIONS-AS-JSON. Writes one deed a line; when its standard input ends it begins nothing new.
 */
import { connect, type Socket } from "node:net";
import { setPriority } from "node:os";

import { now } from "../../../src/practice/wait.ts";
import type { Deed, VisitorsOptions } from "./deed.ts";

const options = JSON.parse(process.argv[2] ?? "{}") as VisitorsOptions;
let visiting = true;
/**
 * Of their own, and each one once: a port on which another client's connection was kept by the first holder
 * leads there until the swap is over, and a download that meets one is cut with it.
 */
let nextPort = options.address.includes(":") ? 20_000 : 26_000;
setPriority(-10);

process.stdin.resume().once("end", () => {
  visiting = false;
});
for (let number = 0; number < options.keepAlive; number += 1) {
  setTimeout(() => new Visitor().ask(), (options.every * number) / options.keepAlive);
}
for (let number = 0; number < options.downloads; number += 1) {
  setTimeout(download, 1000 * number);
}

interface Question {
  readonly start: number;
  /** It crossed the end of a connection, and is asked once more on another (RFC 9112, 9.3.1). */
  readonly again: boolean;
}

/** One client on one connection, opened again when it ends. */
class Visitor {
  #socket: Socket | undefined;
  #answered = 0;
  #response = "";
  #question: Question | undefined;
  #patience: NodeJS.Timeout | undefined;

  ask(again?: Question): void {
    if (!visiting) {
      this.#socket?.destroy();
      return;
    }
    this.#question = again ?? { start: now(), again: false };
    this.#response = "";
    this.#socket ??= this.#open();
    const host = options.address.includes(":") ? `[${options.address}]` : options.address;
    this.#socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: visitor\r\n\r\n`);
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => this.#socket?.destroy(new Error("hung")), options.patience);
  }

  #open(): Socket {
    const socket = connect({ host: options.address, port: 80, noDelay: true });
    this.#answered = 0;
    let how: "orderly" | "reset" = "orderly";
    let why = "closed";
    socket.setEncoding("latin1");
    socket.on("data", (chunk) => this.#hear(String(chunk)));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      how = "reset";
      why = error.code ?? error.message;
    });
    socket.once("close", () => this.#closed(how, why));
    return socket;
  }

  #hear(chunk: string): void {
    this.#response += chunk;
    const body = this.#response.indexOf("\r\n\r\n") + 4;
    const length = /content-length: (\d+)/i.exec(this.#response)?.[1];
    if (body < 4 || length === undefined) return;
    if (this.#response.length < body + Number(length) || this.#question === undefined) return;
    const status = this.#response.slice(9, 12);
    this.#answered += 1;
    this.#settle(status === "200" ? "" : status);
  }

  #settle(why: string): void {
    if (this.#question === undefined) return;
    const { start } = this.#question;
    this.#question = undefined;
    clearTimeout(this.#patience);
    tell({ kind: "page", at: now(), took: now() - start, why });
    setTimeout(() => this.ask(), Math.max(0, start + options.every - now()));
  }

  #closed(how: "orderly" | "reset", why: string): void {
    this.#socket = undefined;
    if (!visiting) return;
    const question = this.#question;
    const crossed = question !== undefined && how === "orderly";
    if (this.#answered > 0) tell({ kind: "closing", at: now(), how: crossed ? "crossed" : how });
    if (question === undefined) return;
    const mayRepeat = this.#answered > 0 && this.#response === "" && !question.again;
    if (mayRepeat && why !== "hung") this.ask({ ...question, again: true });
    else this.#settle(why);
  }
}

/** Every byte has to come from the machine that the first one came from. */
function download(): void {
  if (!visiting) return;
  const start = now();
  const parts: Buffer[] = [];
  let why = "";
  const socket = connect({ host: options.address, port: 80, localPort: nextPort });
  nextPort += 1;
  socket.setTimeout(options.patience, () => socket.destroy(new Error("hung")));
  socket.on("data", (chunk: Buffer) => parts.push(chunk));
  socket.on("error", (error: NodeJS.ErrnoException) => {
    why = error.code ?? error.message;
  });
  socket.once("close", () => {
    const all = Buffer.concat(parts);
    const body = all.indexOf("\r\n\r\n") + 4;
    const head = all.toString("latin1", 0, Math.max(0, body));
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? -1);
    const who = /primary|backup/.exec(all.toString("latin1", body, body + 20))?.[0] ?? "";
    const bytes = all.length - body;
    const whole = bytes === length && all.subarray(body).equals(Buffer.alloc(length, who));
    if (why === "" && !whole) why = `${bytes} of ${length} bytes`;
    tell({ kind: "download", at: now(), took: now() - start, bytes, who, why });
    setTimeout(download, why === "" ? 0 : 100);
  });
  socket.write(`GET ${options.path} HTTP/1.1\r\nHost: www\r\nConnection: close\r\n\r\n`);
}

function tell(deed: Deed): void {
  process.stdout.write(`${JSON.stringify(deed)}\n`);
}
