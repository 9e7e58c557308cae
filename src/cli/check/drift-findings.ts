import { counted } from "../../core/counted.ts";
import type { Configuration } from "../configuration/configuration.ts";
import { sidesOf } from "../configuration/node-here.ts";
import type { Drift } from "../drift/compare.ts";
import { defaultConfigurationFile } from "../places.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

/** In one line what the table below it shows. */
export function driftFinding({ there, thereAt, compared, differences }: Drift): Finding {
  const than = `${there}, as it was at ${thereAt}`;
  const [first] = differences;
  if (first === undefined) return ok("drift", `${counted(compared, "fact")} are those of ${than}`);
  const differ = differences.length === 1 ? "differs" : "differ";
  const found = `${differences.length} of ${counted(compared, "fact")} ${differ} from ${than}`;
  const advice = "make them alike, or let them differ with drift.ignore";
  return differences.some(({ refuses }) => refuses)
    ? failed("drift", found, "copy the configuration first, then restart the agent there")
    : warning("drift", found, advice);
}

/** The agents do not know what the other machine is made of; one line for a shell fetches it. */
export function howToCompare(configuration: Configuration, here: string, file: string): Finding {
  const { peer } = sidesOf(configuration, here);
  const where = file === defaultConfigurationFile ? "" : ` --config ${file}`;
  const there = `ssh root@${peer.paths[0]} failover fingerprint${where}`;
  return {
    ...ok("drift", `not compared with ${peer.name}`),
    advice: `${there} | failover check${where} --drift -`,
  };
}
