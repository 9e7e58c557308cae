import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readlinkSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

/**
 * A network namespace that lives as long as this process: it is held by a `cat` whose input is a
 * pipe of ours, so that it is gone even when the test is killed.
 */
export class Namespace implements Disposable {
  readonly pid: number;
  readonly #release: () => void;

  private constructor(pid: number, release: () => void) {
    this.pid = pid;
    this.#release = release;
  }

  static async open(): Promise<Namespace> {
    const holder = spawn("unshare", ["--net", "cat"], { stdio: ["pipe", "ignore", "inherit"] });
    await once(holder, "spawn");
    const pid = holder.pid ?? 0;
    while (!hasOwnNetwork(pid)) await wait(2);
    const namespace = new Namespace(pid, () => holder.kill("SIGKILL"));
    namespace.run("ip link set lo up");
    return namespace;
  }

  /** Runs one command line, without quoting; throws what it said when it fails. */
  run(line: string): string {
    return this.runWords(...line.split(" "));
  }

  runWords(...words: readonly string[]): string {
    return execFileSync("nsenter", [`--net=/proc/${this.pid}/ns/net`, ...words], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** Runs beside the test, for commands that take their time. */
  start(...words: readonly string[]): Promise<string> {
    const args = [`--net=/proc/${this.pid}/ns/net`, ...words];
    return new Promise((resolve) => {
      execFile("nsenter", args, (_, stdout, stderr) => resolve(stdout + stderr));
    });
  }

  /** A child in the namespace that ends when its input does. */
  spawn(...words: readonly string[]): Child {
    const child = spawn("nsenter", [`--net=/proc/${this.pid}/ns/net`, ...words], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    return Object.assign(child, { pid: child.pid ?? 0 });
  }

  /**
   * What a module of `src/linux` answers when it is called in here: `expression` sees its exports
   * as `it`.
   */
  async evaluate<Result>(module: string, expression: string): Promise<Result> {
    const path = fileURLToPath(new URL(`../../src/linux/${module}`, import.meta.url));
    const print = `console.log(JSON.stringify(await ${expression}));`;
    const code = `const it = await import("${path}"); ${print}`;
    const node = [process.execPath, "--import", "tsx", "--input-type=module", "-e", code];
    const said = await this.start(...node);
    return JSON.parse(said.trim().split("\n").at(-1) ?? "");
  }

  [Symbol.dispose](): void {
    this.#release();
  }
}

export interface Child {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  kill(signal: NodeJS.Signals): boolean;
  once(event: "exit", listener: () => void): unknown;
}

/** Two machines on one cable, `eth0` on both: `here` is the one under test. */
export interface Pair extends Disposable {
  readonly here: Namespace;
  readonly there: Namespace;
}

export const net = {
  here: "10.99.0.11",
  there: "10.99.0.12",
  here6: "fd99::11",
  there6: "fd99::12",
  hereMac: "02:00:00:00:00:11",
  thereMac: "02:00:00:00:00:12",
} as const;

export const openPair = async (): Promise<Pair> => {
  const [here, there] = await Promise.all([Namespace.open(), Namespace.open()]);
  connect(here, there);
  return {
    here,
    there,
    [Symbol.dispose]: () => {
      here[Symbol.dispose]();
      there[Symbol.dispose]();
    },
  };
};

/** Lays the cable, also again after `eth0` was deleted. */
export const connect = (here: Namespace, there: Namespace): void => {
  const peer = `peer name eth0 address ${net.thereMac} netns ${there.pid}`;
  here.run(`ip link add eth0 address ${net.hereMac} type veth ${peer}`);
  for (const [namespace, v4, v6] of [
    [here, net.here, net.here6],
    [there, net.there, net.there6],
  ] as const) {
    namespace.run("ip link set eth0 up");
    namespace.run(`ip addr add ${v4}/24 dev eth0`);
    namespace.run(`ip addr add ${v6}/64 dev eth0 nodad`);
  }
};

export const wait = (millis: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, millis));

/** Waits until `seen` answers true; fails with `what` when that takes too long. */
export const eventually = async (
  what: string,
  seen: () => boolean,
  withinMillis = 3000,
): Promise<void> => {
  const deadline = performance.now() + withinMillis;
  while (!seen()) {
    if (performance.now() > deadline) throw new Error(`Never seen in ${withinMillis} ms: ${what}`);
    await wait(5);
  }
};

const hasOwnNetwork = (pid: number): boolean => {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync("/proc/self/ns/net");
  } catch {
    return false;
  }
};
