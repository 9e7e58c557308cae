import { obstacleToDiverting } from "../linux/diversion/ability.ts";
import type { Configuration, NodeConfiguration } from "./configuration/configuration.ts";

/** Why this machine cannot pass connections on, as the end of a sentence; undefined: it can. */
export async function obstacleToHandingOver(
  { addresses, takeover }: Configuration,
  { interface: device }: NodeConfiguration,
): Promise<string | undefined> {
  if (takeover === "link") return "takeover: link leaves the machines no network in common";
  return obstacleToDiverting(
    device,
    addresses.map(({ address }) => address),
  );
}
