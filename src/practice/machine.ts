import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";

import type { Anchor } from "./anchor.ts";
import { LabProcess } from "./lab-process.ts";
import { type MachineName, type Place, places } from "./network.ts";
import { agentFiles, failoverCommand } from "./own-script.ts";
import { childrenOf } from "./proc.ts";
import { Station } from "./station.ts";
import type { Switch } from "./switch.ts";
import { until } from "./wait.ts";
import { freshNamespaceScript } from "./wiring.ts";

/** What a machine keeps when its power goes. All the rest of its /run is emptied. */
const disk = ["bin", "etc", "lib", "log", "web"];

/**
 * One of the two machines: a network namespace of its own, and its own PIDs, host name and /run,
 * under an init whose death is the death of every process on the machine, as a power cut is.
 */
export class Machine extends Station {
  override readonly name: MachineName;
  readonly #switch: Switch;
  readonly #place: Place;
  #init: LabProcess | undefined;
  #pid: number | undefined;

  constructor(anchor: Anchor, name: MachineName, switchboard: Switch) {
    super(anchor, name);
    this.name = name;
    this.#switch = switchboard;
    this.#place = places[name];
  }

  get isOn(): boolean {
    return this.#pid !== undefined;
  }

  /** The pid of the machine's init, as seen from outside. Asserts that the machine is on. */
  get pid(): number {
    if (this.#pid === undefined) throw new Error(`Cannot use ${this.name}: its power is off`);
    return this.#pid;
  }

  override enter(): string[] {
    return [...this.anchor.enterProcess(this.pid), "--net", "--uts", "--"];
  }

  /** What to type outside to get a shell on this machine. */
  enterCommand(): string {
    return [...this.enter(), "/run/bin/enter"].join(" ");
  }

  /** Where a file of this machine is found from outside: `path("log/access.log")` is its /run/log/access.log. */
  path(underRun: string): string {
    return this.anchor.path(`/run/hosts/${this.name}/${underRun}`);
  }

  async powerOn(): Promise<void> {
    for (const directory of [...disk, "failover"]) {
      mkdirSync(this.path(directory), { recursive: true, mode: 0o755 });
    }
    writeFileSync(this.path("bin/failover"), failoverScript(), { mode: 0o755 });
    writeFileSync(this.path("bin/enter"), enterScript(this.name), { mode: 0o755 });
    const namespaces = ["--pid", "--mount", "--uts", "--fork", "--kill-child"];
    const unshare = ["unshare", ...namespaces, "sh", "-c", initScript(this.name)];
    this.#init = await LabProcess.start(this.anchor.enter(this.name), unshare);
    const wrapper = this.#init.pid;
    await until(
      `${this.name} started`,
      () => {
        this.#pid = childrenOf(wrapper)[0];
        return this.#pid !== undefined;
      },
      { every: 2 },
    );
    await ready(this.#init, this.name);
    await this.#switch.setPower(this.name, "on");
  }

  /** Every process killed and every link down at the same instant. Resolves when all of it is seen to be so. */
  async powerCut(): Promise<void> {
    const links = this.#switch.setPower(this.name, "off");
    await Promise.all([links, this.#kill()]);
  }

  /** Brings a machine back that lost its power: its disk is as it was, its kernel knows nothing. */
  async powerBack(): Promise<void> {
    for (const entry of readdirSync(this.path(""))) {
      if (!disk.includes(entry)) rmSync(this.path(entry), { recursive: true, force: true });
    }
    await this.anchor.script(freshNamespaceScript(this.name, this.#place));
    await this.powerOn();
  }

  /** Pulls the plug of the service network; `plugIn` puts it back. The cable is the switch's. */
  pull(): Promise<void> {
    return this.#switch.pull(this.name);
  }

  plugIn(): Promise<void> {
    return this.#switch.plugIn(this.name);
  }

  /** The kill itself happens within the call. */
  async #kill(): Promise<void> {
    process.kill(this.pid, "SIGKILL");
    this.#pid = undefined;
    await this.#init?.gone;
  }

  /** The addresses on an interface, as the kernel says, with their prefix lengths. */
  async addresses(networkInterface = "eth0"): Promise<string[]> {
    if (!this.isOn) return [];
    const shown = await this.mustExec(["ip", "-o", "address", "show", "dev", networkInterface]);
    return shown.split("\n").flatMap((line) => / inet6? (\S+)/.exec(line)?.[1] ?? []);
  }

  async has(address: string): Promise<boolean> {
    const addresses = await this.addresses();
    return addresses.some((candidate) => candidate.startsWith(`${address}/`));
  }
}

/** What `failover` is on this machine, so that it can be typed as on any other. */
function failoverScript(): string {
  const places = `--config ${agentFiles.configuration} --socket ${agentFiles.socket}`;
  return `#!/bin/sh
case "$1" in
  check | history) set -- "$@" ${places} --state-dir ${agentFiles.state} ;;
  status | promote | preview | release | freeze | thaw | cleanup | key | fingerprint) set -- "$@" ${places} ;;
esac
exec ${failoverCommand().join(" ")} "$@"
`;
}

/** A shell that knows `failover` and shows where it is. */
function enterScript(name: string): string {
  return `#!/bin/sh
export PATH="/run/bin:$PATH:/usr/sbin:/sbin" PS1="${name}# "
exec sh
`;
}

/** /run becomes the machine's own, which hides the lab's. `wait` reaps what is orphaned. */
function initScript(name: string): string {
  return [
    "set -e",
    `hostname ${name}`,
    `mount --bind /run/hosts/${name} /run`,
    "mount -t proc proc /proc",
    // Kernels that refuse it to user namespaces leave the machine without /sys/class/net; nothing of ours reads it.
    "mount -t sysfs sysfs /sys || true",
    "echo ready",
    "sleep infinity &",
    "wait",
  ].join("\n");
}

async function ready(init: LabProcess, name: string): Promise<void> {
  let said = "";
  init.onLine((line) => {
    said += line;
  });
  await until(`${name} is ready`, () => said !== "" || !init.running, { every: 2 });
  if (said !== "ready")
    throw new Error(`Cannot start ${name}: ${init.complaint || "its init ended at once"}`);
}
