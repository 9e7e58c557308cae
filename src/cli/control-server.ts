import { createServer, type Server, type Socket } from "node:net";

import type { Order } from "../core/event.ts";
import {
  type Answer,
  encodeLine,
  parseRequest,
  requestBytesMax,
  type WantedSwap,
} from "./control-protocol.ts";
import { claimSocket, type SocketClaim } from "./control-socket.ts";
import { LineReader } from "./line-reader.ts";
import type { Status, WaitingStatus } from "./status.ts";

/** The agent as the control socket sees it. None of these may throw. */
export interface ControlHandlers {
  status(): Status;
  /**
   * Calls `listener` whenever the status changed in a way worth showing; answers how to stop it.
   */
  subscribe(listener: () => void): () => void;
  /** Undefined: accepted, the stream tells what comes of it. Otherwise one sentence why not. */
  order(order: Order): string | undefined;
  /** Undefined: it waits for its hour. Otherwise one sentence why not. */
  wait(swap: WantedSwap): string | undefined;
  waiting(): readonly WaitingStatus[];
  /** Undefined: it waits no more. Otherwise one sentence why not. */
  callOff(id: string): string | undefined;
}

const clientsMax = 32;

/** A client that neither asks nor follows for so long has forgotten us, or means ill. */
const idleMillisMax = 60_000;

/** For reading our last words. */
const partingMillis = 1000;

/**
 * Answers the commands of administrators on a unix socket that only its owner can open. Nothing
 * that a client sends, or fails to read, throws, waits or grows without bound.
 */
export class ControlServer implements AsyncDisposable {
  readonly #clients = new Set<Client>();
  readonly #server: Server;
  /** Who connected before there was anybody to answer. */
  readonly #early: Socket[] = [];
  #handlers: ControlHandlers | undefined;
  #claim: SocketClaim | undefined;

  constructor() {
    this.#server = createServer((socket) => this.#welcome(socket));
    // A connection failed while it was accepted: that client will say so, the others are served on.
    this.#server.on("error", () => {});
  }

  /**
   * Throws a Failure when another agent serves at `path`, or the place is not safe. Whoever has the
   * place is the one agent of the pair on this machine, and may touch what the last one left.
   */
  async listen(path: string): Promise<void> {
    this.#claim = await claimSocket(this.#server, path);
  }

  /** From now on requests are answered, those that came earlier as well. */
  serve(handlers: ControlHandlers): void {
    this.#handlers = handlers;
    for (const socket of this.#early.splice(0)) this.#welcome(socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#claim?.release();
    for (const client of this.#clients) client.close();
    for (const socket of this.#early) socket.destroy();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #welcome(socket: Socket): void {
    if (this.#clients.size + this.#early.length >= clientsMax) {
      socket.on("error", () => {});
      const sentence = `Cannot serve more than ${clientsMax} commands at a time`;
      socket.end(encodeLine({ say: "error", sentence }));
      socket.resume();
      return;
    }
    if (this.#handlers === undefined) {
      socket.on("error", () => {});
      this.#early.push(socket);
      return;
    }
    const client = new Client(socket, this.#handlers);
    this.#clients.add(client);
    socket.once("close", () => this.#clients.delete(client));
  }
}

class Client {
  readonly #socket: Socket;
  readonly #handlers: ControlHandlers;
  readonly #lines = new LineReader(requestBytesMax);
  /** Requests that wait until the answers before them were read; not more than one chunk holds. */
  #waiting: string[] = [];
  /** A status that waits likewise: the newest, never a queue. */
  #owed = false;
  #unsubscribe: (() => void) | undefined;

  constructor(socket: Socket, handlers: ControlHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    socket.setTimeout(idleMillisMax, () => {
      if (this.#unsubscribe === undefined) socket.destroy();
    });
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("drain", () => this.#drained());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#unsubscribe?.());
  }

  /** Lets what was said be read, for a while. */
  close(): void {
    this.#socket.destroySoon();
    setTimeout(() => this.#socket.destroy(), partingMillis).unref();
  }

  #read(chunk: Buffer): void {
    const lines = this.#lines.push(chunk);
    if (lines === "overflow") {
      const sentence = `Cannot read the request: a line is longer than ${requestBytesMax} bytes`;
      this.#say({ say: "error", sentence });
      this.close();
      return;
    }
    this.#waiting.push(...lines);
    this.#work();
  }

  #drained(): void {
    if (this.#owed) this.#update();
    this.#work();
  }

  #work(): void {
    while (!this.#socket.writableNeedDrain) {
      const line = this.#waiting.shift();
      if (line === undefined) {
        this.#socket.resume();
        return;
      }
      this.#answer(line);
    }
    this.#socket.pause();
  }

  #answer(line: string): void {
    const parsed = parseRequest(line);
    if (parsed.kind === "malformed") {
      this.#say({ say: "error", sentence: parsed.sentence });
      return;
    }
    const { request } = parsed;
    switch (request.ask) {
      case "status":
        this.#say({ say: "status", status: this.#handlers.status() });
        return;
      case "follow":
        this.#unsubscribe ??= this.#handlers.subscribe(() => this.#update());
        this.#update();
        return;
      case "order":
        this.#conclude(this.#handlers.order(request.order));
        return;
      case "wait":
        this.#conclude(this.#handlers.wait(request.swap));
        return;
      case "waiting":
        this.#say({ say: "waiting", swaps: this.#handlers.waiting() });
        return;
      case "call-off":
        this.#conclude(this.#handlers.callOff(request.id));
        return;
    }
  }

  #conclude(refusal: string | undefined): void {
    this.#say(refusal === undefined ? { say: "accepted" } : { say: "error", sentence: refusal });
  }

  #update(): void {
    this.#owed = this.#socket.writableNeedDrain;
    if (!this.#owed) this.#say({ say: "status", status: this.#handlers.status() });
  }

  #say(answer: Answer): void {
    if (this.#socket.writable) this.#socket.write(encodeLine(answer));
  }
}
