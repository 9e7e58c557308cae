import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

import { onTestFinished } from "vitest";

import type { WantedSwap } from "../../src/cli/control-protocol.ts";
import { type ControlHandlers, ControlServer } from "../../src/cli/control-server.ts";
import type { Status, WaitingStatus } from "../../src/cli/status.ts";
import type { Order } from "../../src/core/event.ts";
import { aStatus, type Scratch, scratch } from "../unit/cli-fixtures.ts";

/** An agent as far as the control socket sees one: it says what the test tells it to. */
export class StageAgent implements ControlHandlers, AsyncDisposable {
  readonly orders: Order[] = [];
  wanted: WantedSwap[] = [];
  asked = 0;
  refusal: string | undefined;
  onOrder: (order: Order) => void = () => {};
  #status = aStatus();
  readonly #listeners = new Set<() => void>();
  readonly #server = new ControlServer();

  static async at(path: string): Promise<StageAgent> {
    const agent = new StageAgent();
    await agent.#server.listen(path);
    agent.#server.serve(agent);
    return agent;
  }

  get followers(): number {
    return this.#listeners.size;
  }

  status(): Status {
    this.asked += 1;
    return this.#status;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  order(order: Order): string | undefined {
    if (this.refusal !== undefined) return this.refusal;
    this.orders.push(order);
    setImmediate(() => this.onOrder(order));
    return undefined;
  }

  wait(swap: WantedSwap): string | undefined {
    if (this.refusal === undefined) this.wanted.push(swap);
    return this.refusal;
  }

  waiting(): readonly WaitingStatus[] {
    return this.wanted.map(({ id, node, at }) => ({
      id,
      node,
      at: new Date(at).toISOString(),
      in: at - Date.now(),
      state: "waiting",
      kept: true,
      age: 0,
    }));
  }

  callOff(id: string): string | undefined {
    if (this.refusal !== undefined) return this.refusal;
    this.wanted = this.wanted.filter((swap) => swap.id !== id);
    return undefined;
  }

  say(changes: Partial<Status>): void {
    this.#status = aStatus(changes);
    for (const listener of this.#listeners) listener();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server[Symbol.asyncDispose]();
  }
}

export interface Stage {
  readonly place: Scratch;
  readonly socket: string;
  readonly agent: StageAgent;
}

/** An agent that listens in a directory of its own, until the end of the test. */
export async function openStage(): Promise<Stage> {
  const place = await scratch();
  const socket = place.path("www.sock");
  const agent = await StageAgent.at(socket);
  onTestFinished(async () => {
    await agent[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });
  return { place, socket, agent };
}

export interface Typed {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** Types `failover ARGUMENTS` in another process, while this one goes on. */
export function failover(...args: readonly string[]): Promise<Typed> {
  return new Promise((resolve) => {
    const words = ["--import", "tsx", main, ...args];
    const child = execFile(process.execPath, words, (_, stdout, stderr) =>
      resolve({ status: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}
