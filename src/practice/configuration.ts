import { machineNames, places, serviceAddress, serviceAddress6 } from "./network.ts";
import { agentFiles } from "./own-script.ts";

/** Any key of the configuration file, beside or instead of the lab's own. */
export type ConfigurationOverrides = Readonly<Record<string, unknown>>;

/** What both machines of the lab have in their failover.yaml. All that is not said here is the default. */
export function pairConfiguration(overrides: ConfigurationOverrides = {}): object {
  return {
    pair: "www",
    address: [serviceAddress, serviceAddress6],
    key: agentFiles.key,
    nodes: Object.fromEntries(
      machineNames.map((name) => [
        name,
        {
          interface: "eth0",
          paths: [places[name].address, places[name].cable],
          accessLog: "/run/log/access.log",
        },
      ]),
    ),
    ...overrides,
  };
}
