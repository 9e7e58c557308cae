import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface KernelWatchOptions {
  readonly address: string;
  /** Who is asked, and how. */
  readonly commands: readonly (readonly [name: string, argv: readonly string[]])[];
  /** Who has the address to begin with. */
  readonly holders: readonly string[];
}

interface Change {
  readonly name: string;
  /** Milliseconds of the clock on the wall, which machines in containers share. */
  readonly at: number;
  readonly holds: boolean;
}

/** Who had the address when, as the kernels tell it: a look now and then would miss a moment. */
export class KernelWatch implements AsyncDisposable {
  /** The time is that of the printing: ahead of everything that computes. */
  static readonly command = ["nice", "-n", "-20", "ip", "-o", "-ts", "monitor", "address"] as const;

  readonly #address: string;
  readonly #holders: readonly string[];
  readonly #changes: Change[] = [];
  readonly #processes: ChildProcess[] = [];

  private constructor(address: string, holders: readonly string[]) {
    this.#address = address;
    this.#holders = holders;
  }

  static async start({ address, commands, holders }: KernelWatchOptions): Promise<KernelWatch> {
    const watch = new KernelWatch(address, holders);
    for (const [name, argv] of commands) await watch.follow(name, argv);
    return watch;
  }

  /** Hears one kernel more: a machine that was rebooted has another network than before. */
  async follow(name: string, [file = "", ...args]: readonly string[]): Promise<void> {
    const process = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
    this.#processes.push(process);
    await once(process, "spawn");
    createInterface({ input: process.stdout }).on("line", (line) => this.#hear(name, line));
  }

  /** How often the kernel of this machine lost the address. */
  losses(name: string): number {
    return this.#changes.filter((change) => change.name === name && !change.holds).length;
  }

  /** Milliseconds for which more than one machine had it, and for which none had. */
  spans(): { readonly both: number; readonly none: number } {
    const holders = new Set(this.#holders);
    const sum = { both: 0, none: 0 };
    let since: number | undefined;
    for (const { name, at, holds } of this.#changes.toSorted((one, next) => one.at - next.at)) {
      if (since !== undefined && holders.size > 1) sum.both += at - since;
      if (since !== undefined && holders.size === 0) sum.none += at - since;
      since = at;
      if (holds) holders.add(name);
      else holders.delete(name);
    }
    return sum;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#processes) {
      const ended = once(process, "exit");
      if (process.exitCode === null && process.kill()) await ended;
    }
  }

  /** `[2026-01-31T12:00:00.123456] Deleted 2: eth0    inet 10.91.0.100/32 …`; a renewal is told like an addition. */
  #hear(name: string, line: string): void {
    const found = line.match(/^\[(\S+)\] (Deleted )?\d+: (\S+) +inet6? ([^/ ]+)/);
    if (found === null || found[3] === "lo" || found[4] !== this.#address) return;
    this.#changes.push({
      name,
      at: Date.parse(found[1] ?? ""),
      holds: found[2] === undefined,
    });
  }
}
