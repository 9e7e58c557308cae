import type { Anchor } from "./anchor.ts";
import type { LabProcess } from "./lab-process.ts";
import { type MachineName, machineNames } from "./network.ts";
import { Station } from "./station.ts";
import { until } from "./wait.ts";
import { cablePort } from "./wiring.ts";

/** A machine's plug into the service network, or the one cable between the two. */
type Plug = MachineName | "cable";

/**
 * The switch and the cable. Links change through one `ip` that is always there, so that a power cut
 * takes the links down within microseconds of the kill, not after the start of a process.
 */
export class Switch extends Station {
  #ip: LabProcess | undefined;
  #asked = 0;
  #answered = 0;
  readonly #dark = new Set<MachineName>(machineNames);
  readonly #pulled = new Set<Plug>();

  constructor(anchor: Anchor) {
    super(anchor, "switch");
  }

  async start(): Promise<void> {
    this.#ip = await this.spawn(["ip", "-force", "-batch", "-"]);
    this.#ip.onLine((line) => {
      if (line.includes(": lo: ")) this.#answered += 1;
    });
    await this.#apply();
  }

  /** Takes effect before it resolves: the commands are written within the call. */
  setPower(machine: MachineName, power: "on" | "off"): Promise<void> {
    if (power === "on") this.#dark.delete(machine);
    else this.#dark.add(machine);
    return this.#apply();
  }

  pull(plug: Plug): Promise<void> {
    this.#pulled.add(plug);
    return this.#apply();
  }

  plugIn(plug: Plug): Promise<void> {
    this.#pulled.delete(plug);
    return this.#apply();
  }

  /** A real cable is dark at both ends when either machine is, and so is this one. */
  async #apply(): Promise<void> {
    const cable = this.#pulled.has("cable") || this.#dark.size > 0 ? "down" : "up";
    const lines = machineNames.flatMap((name) => {
      const service = this.#pulled.has(name) || this.#dark.has(name) ? "down" : "up";
      return [`link set ${name} ${service}`, `link set ${cablePort(name)} ${cable}`];
    });
    this.#asked += 1;
    const turn = this.#asked;
    // The line that this shows comes when everything before it is done.
    this.#ip?.stdin?.write([...lines, "link show dev lo", ""].join("\n"));
    await until("the switch did as told", () => this.#answered >= turn, { every: 1 });
  }
}
