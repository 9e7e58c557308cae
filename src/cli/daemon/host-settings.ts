import type { Forgotten } from "../../agent/policy-in-force.ts";
import type { HostSettings, LinuxHostOptions } from "../../linux/host-options.ts";
import type { UdpTransportOptions } from "../../linux/udp.ts";
import type { Configuration } from "../configuration/configuration.ts";
import { sidesOf } from "../configuration/node-here.ts";
import type { Hearing } from "../hearing.ts";

/** What follows from no configuration. */
type Wired =
  | "report"
  | "now"
  | "afterSockets"
  | "onCommand"
  | "onTrouble"
  | "onNotice"
  | "onAnnounced";

/** Where beats go, for as long as the agent runs. */
export function networkOf(
  configuration: Configuration,
  node: string,
): Pick<UdpTransportOptions, "port" | "paths"> {
  const { here, peer } = sidesOf(configuration, node);
  const paths = here.paths.map((local, path) => ({ local, remote: peer.paths[path] ?? "" }));
  return { port: configuration.port, paths };
}

/** What the kernel's floor needs to begin with. */
export function hostOf(
  configuration: Configuration,
  node: string,
  { servicePaths, heartbeatInterface }: Hearing,
): HostSettings & Omit<LinuxHostOptions, keyof HostSettings | Wired> {
  const { here, peer } = sidesOf(configuration, node);
  return {
    ...hostSettings(configuration),
    pair: configuration.pair,
    interface: here.interface,
    heartbeatInterface,
    routes: configuration.routes,
    peers: peer.paths.filter((_, path) => servicePaths[path]),
    leaseSeconds: configuration.lease / 1000,
  };
}

/** The part of it that may be replaced while it runs. */
export const hostSettings = ({
  addresses,
  witness,
  announceRate,
}: Configuration): HostSettings => ({
  addresses: addresses.map(({ address }) => address),
  witness: witnessOf(witness),
  announceRate,
});

/** Those of them that follow from changed keys of the file. */
export function changedSettings(
  configuration: Configuration,
  keys: ReadonlySet<string>,
): Partial<HostSettings> {
  const { addresses, witness, announceRate } = hostSettings(configuration);
  return {
    ...(keys.has("address") && { addresses }),
    ...(keys.has("witness") && { witness }),
    ...(keys.has("announceRate") && { announceRate }),
  };
}

/** What was learnt of another witness, or at another port, says nothing of the new one. */
export const forgottenBy = (keys: ReadonlySet<string>): readonly Forgotten[] => [
  ...(keys.has("witness") ? (["witness"] as const) : []),
  ...(keys.has("canary.port") ? (["service"] as const) : []),
];

function witnessOf(witness: Configuration["witness"]): HostSettings["witness"] {
  switch (witness.kind) {
    case "auto":
      return "auto";
    case "none":
      return [];
    case "addresses":
      return witness.addresses;
  }
}
