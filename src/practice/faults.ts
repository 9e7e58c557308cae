import { type MachineName, machineNames, type StationName, stationNames } from "./network.ts";
import type { Station } from "./station.ts";
import { cablePort } from "./wiring.ts";

export interface Fault {
  /** Whose frames are lost. Default: anybody's. */
  readonly from?: MachineName | StationName;
  /** On their way to whom. Default: anybody. */
  readonly to?: MachineName | StationName;
  /** Which frames: `udp` of both families, `arp` with IPv6 neighbour discovery, or all. Default all. */
  readonly what?: "udp" | "arp" | "all";
  /** Default all. */
  readonly path?: "service" | "cable" | "all";
  /** How many of them, in percent. Default 100. */
  readonly percent?: number;
}

/**
 * Faults of the network as rules in the switch, where both the service network and the cable pass.
 * The table is always written whole, in one transaction, from the list of faults in force.
 */
export class Faults {
  readonly #switch: Station;
  readonly #inForce: Fault[] = [];

  constructor(switchStation: Station) {
    this.#switch = switchStation;
  }

  /** Resolves when the fault is in force, with what ends it again. */
  async add(...faults: readonly Fault[]): Promise<AsyncDisposable> {
    this.#inForce.push(...faults);
    await this.#load();
    return {
      [Symbol.asyncDispose]: async () => {
        for (const fault of faults) {
          const index = this.#inForce.indexOf(fault);
          if (index >= 0) this.#inForce.splice(index, 1);
        }
        await this.#load();
      },
    };
  }

  async clear(): Promise<void> {
    this.#inForce.length = 0;
    await this.#load();
  }

  async #load(): Promise<void> {
    await this.#switch.mustExec(["nft", "-f", "-"], { input: faultTable(this.#inForce) });
  }
}

export function faultTable(faults: readonly Fault[]): string {
  const rules = faults.flatMap(rulesOf).map((rule) => `    ${rule}`);
  return [
    "table bridge faults",
    "delete table bridge faults",
    "table bridge faults {",
    "  chain forward {",
    "    type filter hook forward priority 0",
    ...rules,
    "  }",
    "}",
    "",
  ].join("\n");
}

function rulesOf({ from, to, what = "all", path = "all", percent = 100 }: Fault): string[] {
  const chance = percent === 100 ? [] : [`numgen random mod 100 < ${percent}`];
  return matches(what).map((match) =>
    [
      `iifname ${portsOf(from, path)}`,
      `oifname ${portsOf(to, path)}`,
      ...match,
      ...chance,
      "drop",
    ].join(" "),
  );
}

function matches(what: "udp" | "arp" | "all"): string[][] {
  switch (what) {
    case "all":
      return [[]];
    case "udp":
      return [["meta l4proto udp"]];
    case "arp":
      return [["ether type arp"], ["icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert }"]];
  }
}

function portsOf(name: MachineName | StationName | undefined, path: string): string {
  const named: readonly string[] = name === undefined ? [...machineNames, ...stationNames] : [name];
  const ports = named.flatMap((place) => [
    ...(path === "cable" ? [] : [place]),
    ...(path === "service" || !hasCable(place) ? [] : [cablePort(place)]),
  ]);
  return `{ ${ports.map((port) => `"${port}"`).join(", ")} }`;
}

function hasCable(name: string): boolean {
  return (machineNames as readonly string[]).includes(name);
}
