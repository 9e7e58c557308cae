import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

import { environment, mustRun } from "./command.ts";
import { childrenOf, isAlive } from "./proc.ts";
import { until } from "./wait.ts";

/**
 * The one process that everything in a lab hangs from: the init of a PID namespace, with a mount
 * namespace whose /run is private, so that the names of network namespaces are too. When it dies the
 * kernel kills every process and frees every interface of the lab; nothing has to be cleaned up.
 *
 * It dies when its standard input ends, and that is a pipe whose other end only we have: also after
 * a SIGKILL of ours nothing is left behind.
 */
export class Anchor implements AsyncDisposable {
  readonly #unshare: ChildProcess;
  readonly #userNamespace: boolean;
  /** As seen from outside. */
  readonly pid: number;

  private constructor(unshare: ChildProcess, userNamespace: boolean, pid: number) {
    this.#unshare = unshare;
    this.#userNamespace = userNamespace;
    this.pid = pid;
  }

  /** As root; else, where the kernel allows it, as root of a user namespace. Rejects with what the kernel said. */
  static async start(): Promise<Anchor> {
    const root = process.getuid?.() === 0;
    const complaints: string[] = [];
    for (const userNamespace of root ? [false, true] : [true]) {
      const started = await tryToStart(userNamespace);
      if (started instanceof Anchor) return started;
      complaints.push(started);
    }
    const advice = root
      ? "this container lacks CAP_SYS_ADMIN"
      : "run it as root: sudo failover practice";
    throw new Error(`Cannot make namespaces on this kernel: ${complaints.join("; ")}; ${advice}`);
  }

  static adopt(unshare: ChildProcess, userNamespace: boolean, pid: number): Anchor {
    return new Anchor(unshare, userNamespace, pid);
  }

  /** What to put before a command to run it at a place in the lab: at the anchor, or in a named network. */
  enter(network?: string): string[] {
    const net = network === undefined ? "--net" : `--net=${this.path(`/run/netns/${network}`)}`;
    return [...this.enterProcess(this.pid), net, "--"];
  }

  /** The same for the namespaces of one process of the lab; `--` is left to the caller. */
  enterProcess(pid: number): string[] {
    const user = this.#userNamespace ? ["--user", "--preserve-credentials"] : [];
    return ["nsenter", "--target", String(pid), ...user, "--mount", "--pid"];
  }

  /** Runs a shell script at the anchor. Rejects when it fails. */
  async script(text: string): Promise<void> {
    await mustRun([...this.enter(), "sh", "-s"], { input: text });
  }

  /** Where a file of the lab is found from outside. */
  path(inside: string): string {
    return `/proc/${this.pid}/root${inside}`;
  }

  /** Ends the lab at once and without waiting, for a second Ctrl-C. */
  kill(): void {
    this.#unshare.kill("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await until("the lab is gone", () => !isAlive(this.pid));
  }
}

/** `wait` reaps whatever is orphaned in here; `cat` ends with our end of the pipe. */
const init = `
set -e
mount -t tmpfs -o mode=0755 tmpfs /run
mount -t proc proc /proc
mkdir -p /run/netns /run/hosts
ip link set lo up
echo ready
exec 3<&0
cat <&3 >/dev/null &
wait
`;

async function tryToStart(userNamespace: boolean): Promise<Anchor | string> {
  const user = userNamespace ? ["--user", "--map-root-user"] : [];
  const namespaces = ["--mount", "--net", "--pid", "--fork", "--kill-child"];
  const unshare = spawn("unshare", [...user, ...namespaces, "sh", "-c", init], {
    env: environment(),
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  let said = "";
  let complaint = "";
  unshare.stderr.on("data", (chunk) => {
    complaint += chunk;
  });
  const failed = once(unshare, "close").then(
    () => complaint.trim() || "unshare ended at once",
    (error: Error) => error.message,
  );
  const ready = new Promise<undefined>((resolve) => {
    unshare.stdout.on("data", (chunk) => {
      said += chunk;
      if (said.includes("ready")) resolve(undefined);
    });
  });
  const failure = await Promise.race([ready, failed]);
  const pid = childrenOf(unshare.pid ?? 0)[0];
  if (failure !== undefined || pid === undefined) return failure ?? "unshare ended at once";
  return Anchor.adopt(unshare, userNamespace, pid);
}
