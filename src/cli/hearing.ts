import { type Link, standsOn } from "../linux/links.ts";
import { type LocalAddress, pathCrosses } from "../linux/network-facts.ts";
import type { Configuration, NodeConfiguration } from "./configuration/configuration.ts";
import { exitCodes, Failure } from "./failure.ts";

/** How this machine hears the other one. */
export interface Hearing {
  /** One word a path: whether it crosses the network whose loss counts against this machine. */
  readonly servicePaths: readonly boolean[];
  /** Where peer and witness are asked, if that is not the service interface. */
  readonly heartbeatInterface: string | undefined;
}

/**
 * The network of the service is also that of the heartbeats, but where the service interface itself is taken
 * over: it is down while it is free, with everything that stands on it, and the first path's interface stands
 * in for it. `all` is asked for there alone.
 */
export function hearingOf(
  { takeover }: Configuration,
  here: NodeConfiguration,
  local: readonly LocalAddress[],
  all: readonly Link[],
): Hearing {
  const crossing = (device: string): readonly boolean[] =>
    here.paths.map((path) => pathCrosses(device, path, local));
  if (takeover === "address")
    return { servicePaths: crossing(here.interface), heartbeatInterface: undefined };
  for (const path of here.paths) {
    const on = deviceOf(path, local);
    if (on !== undefined && standsOn(on, here.interface, all))
      throw pathOnServiceInterface(here, path, on);
  }
  const [first] = here.paths;
  const device = first === undefined ? undefined : deviceOf(first, local);
  if (device === undefined) throw pathNowhere(here);
  return { servicePaths: crossing(device), heartbeatInterface: device };
}

const deviceOf = (path: string, local: readonly LocalAddress[]): string | undefined =>
  local.find((entry) => pathCrosses(entry.interface, path, [entry]))?.interface;

const pathOnServiceInterface = (
  { name, interface: device }: NodeConfiguration,
  path: string,
  on: string,
) =>
  new Failure(
    exitCodes.usage,
    `Cannot take over ${device} as a whole: the path ${path} of ${name} is on ${on === device ? "it" : `${on}, which stands on it`}, and ends when it goes down; give paths on another interface, or set takeover: address`,
  );

const pathNowhere = ({ name, paths }: NodeConfiguration) =>
  new Failure(
    exitCodes.usage,
    `Cannot tell where ${name} hears the other machine: its first path ${paths[0]} is no address of this machine; correct the paths, or add it`,
  );
