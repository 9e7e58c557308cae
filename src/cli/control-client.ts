import { lstat } from "node:fs/promises";
import { createConnection, type Socket } from "node:net";

import type { Order } from "../core/event.ts";
import {
  type Answer,
  encodeLine,
  parseAnswer,
  type Request,
  type WantedSwap,
} from "./control-protocol.ts";
import { errorCode, exitCodes, Failure, reasonOf } from "./failure.ts";
import { LineReader } from "./line-reader.ts";
import { ownershipFault } from "./ownership.ts";
import type { Status, WaitingStatus } from "./status.ts";

/** A thousand addresses make a status of some 100 KiB. */
const answerBytesMax = 4 * 1024 * 1024;

/** An agent answers within a millisecond; one that does not for so long is stopped or starved. */
const answerMillisMax = 3000;

/**
 * Speaks to the agent at a control socket. Whatever keeps it from answering is a Failure with exit
 * code 5; what the agent itself refuses is one with exit code 3 and the agent's own sentence.
 */
export class ControlClient implements Disposable {
  readonly #path: string;
  readonly #socket: Socket;
  readonly #lines = new LineReader(answerBytesMax);
  readonly #answers: Answer[] = [];
  #failure: Failure | undefined;
  #wake: () => void = () => {};

  static async connect(path: string): Promise<ControlClient> {
    try {
      const stats = await lstat(path);
      const fault = ownershipFault(path, stats, { forbidden: 0o077, mended: "600" });
      if (fault !== undefined) throw new Error(fault);
      return new ControlClient(path, await connected(path));
    } catch (error) {
      throw unreachable(path, error);
    }
  }

  private constructor(path: string, socket: Socket) {
    this.#path = path;
    this.#socket = socket;
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("error", (error) => this.#fail(reasonOf(error)));
    socket.on("close", () => this.#fail("the agent closed the connection"));
  }

  async status(): Promise<Status> {
    const answer = await this.#ask({ ask: "status" });
    if (answer.say !== "status") throw this.#confused();
    return answer.status;
  }

  order(order: Order): Promise<void> {
    return this.#accepted({ ask: "order", order });
  }

  /** Lets a swap wait for its hour. */
  wait(swap: WantedSwap): Promise<void> {
    return this.#accepted({ ask: "wait", swap });
  }

  callOff(id: string): Promise<void> {
    return this.#accepted({ ask: "call-off", id });
  }

  async waiting(): Promise<readonly WaitingStatus[]> {
    const answer = await this.#ask({ ask: "waiting" });
    if (answer.say !== "waiting") throw this.#confused();
    return answer.swaps;
  }

  /**
   * Every status from now on; a connection that follows asks nothing else. Undefined: nothing came
   * for `quietMillisMax`; the stream goes on. Ends only by a Failure, or when the caller leaves the
   * loop or `signal` is aborted.
   */
  async *follow(options: {
    readonly quietMillisMax: number;
    readonly signal?: AbortSignal;
  }): AsyncGenerator<Status | undefined, void, void> {
    const { signal, quietMillisMax } = options;
    signal?.addEventListener("abort", () => this.#wake(), { once: true });
    this.#socket.write(encodeLine({ ask: "follow" }));
    while (signal?.aborted !== true) {
      const answer = await this.#next(quietMillisMax);
      if (answer?.say === "error") throw new Failure(exitCodes.refused, answer.sentence);
      if (answer === undefined || answer.say === "status") yield answer?.status;
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  async #accepted(request: Request): Promise<void> {
    const answer = await this.#ask(request);
    if (answer.say !== "accepted") throw this.#confused();
  }

  async #ask(request: Request): Promise<Answer> {
    this.#socket.write(encodeLine(request));
    const answer = await this.#next(answerMillisMax);
    if (answer === undefined) throw this.#silent();
    if (answer.say === "error") throw new Failure(exitCodes.refused, answer.sentence);
    return answer;
  }

  /** The next answer, or undefined when none came in time. */
  async #next(millisMax: number): Promise<Answer | undefined> {
    if (this.#answers.length === 0 && this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, millisMax);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const answer = this.#answers.shift();
    if (answer === undefined && this.#failure !== undefined) throw this.#failure;
    return answer;
  }

  #read(chunk: Buffer): void {
    const lines = this.#lines.push(chunk);
    if (lines === "overflow") {
      this.#fail("its answer is too long");
      return;
    }
    for (const answer of lines.map(parseAnswer)) {
      if (answer === undefined) this.#fail("it speaks another version; restart the agent");
      else this.#answers.push(answer);
    }
    this.#wake();
  }

  #fail(found: string): void {
    this.#failure ??= unreachable(this.#path, new Error(found));
    this.#wake();
  }

  #silent(): Failure {
    return unreachable(
      this.#path,
      new Error(`it did not answer within ${answerMillisMax / 1000} s; it is stopped or starved`),
    );
  }

  #confused(): Failure {
    return unreachable(this.#path, new Error("it answered another question"));
  }
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

/** The failure means that no agent runs; not that one is stopped, foreign or out of reach. */
export function isAbsence(error: unknown): boolean {
  return error instanceof Failure && absent.includes(errorCode(error.cause));
}

const absent: readonly string[] = ["ENOENT", "ECONNREFUSED"];

function unreachable(path: string, cause: unknown): Failure {
  const denied = ["EACCES", "EPERM"].includes(errorCode(cause));
  const found = absent.includes(errorCode(cause))
    ? "no agent is running; start it with systemctl start failover"
    : denied
      ? "permission denied; run this command as root"
      : reasonOf(cause);
  return new Failure(exitCodes.unknown, `Cannot reach the agent at ${path}: ${found}`, { cause });
}
