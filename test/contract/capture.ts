import { createInterface } from "node:readline";

import { type Child, eventually, type Namespace } from "./namespace.ts";

/** One frame as `tcpdump` tells it. */
export interface Captured {
  /** Seconds since 1970. */
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly text: string;
}

/** What a machine sees on its interface: ARP and ICMPv6. */
export class Capture implements Disposable {
  readonly frames: Captured[] = [];
  readonly #tcpdump: Child;
  #listening = false;

  private constructor(namespace: Namespace) {
    this.#tcpdump = namespace.spawn(
      "sh",
      "-c",
      "exec tcpdump -l -n -e -tt -vv --immediate-mode -i eth0 arp or icmp6 2>&1",
    );
    createInterface({ input: this.#tcpdump.stdout }).on("line", (line) => this.#take(line));
  }

  static async on(namespace: Namespace): Promise<Capture> {
    const capture = new Capture(namespace);
    await eventually("tcpdump listening", () => capture.#listening);
    return capture;
  }

  [Symbol.dispose](): void {
    this.#tcpdump.kill("SIGKILL");
  }

  #take(line: string): void {
    this.#listening ||= line.includes("listening on");
    const frame = /^(\d+\.\d+) (\S+) > (\S+), (.*)$/.exec(line);
    if (frame !== null) {
      const [, at, from = "", to = "", text = ""] = frame;
      this.frames.push({ at: Number(at), from, to, text });
      return;
    }
    // Options of neighbour discovery stand on lines of their own.
    const last = this.frames.pop();
    if (last !== undefined) this.frames.push({ ...last, text: `${last.text} ${line.trim()}` });
  }
}
