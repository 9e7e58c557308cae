import type { Forgotten } from "../../agent/policy-in-force.ts";
import type { HostSettings } from "../../linux/host.ts";
import type { Configuration } from "../configuration/configuration.ts";

/** What the kernel's floor needs of a configuration, and takes while it runs. */
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
