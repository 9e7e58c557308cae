import { dirname } from "node:path";

import { links } from "../../linux/links.ts";
import { localAddresses } from "../../linux/network-facts.ts";
import { networkManagersOf } from "../../linux/network-managers.ts";
import { statusNow } from "../agent-access.ts";
import type { Configuration } from "../configuration/configuration.ts";
import { nodeHere, sidesOf } from "../configuration/node-here.ts";
import { isAbsence } from "../control-client.ts";
import { Failure } from "../failure.ts";
import { hearingOf } from "../hearing.ts";
import { compareFingerprints, type Drift } from "../drift/compare.ts";
import type { Fingerprint } from "../drift/fingerprint.ts";
import { gatherFingerprint } from "../drift/gather.ts";
import { mustBeOfPeer } from "../drift/read.ts";
import { socketPath, stateDirectory } from "../places.ts";
import type { Status } from "../status.ts";
import { agentFindings } from "./agent-findings.ts";
import { certificateFindings } from "./certificate-findings.ts";
import { claimFindings } from "./claim-findings.ts";
import { companyFindings } from "./company-findings.ts";
import { diskFindings } from "./disk-findings.ts";
import { domainFindings } from "./domain-finding.ts";
import { driftFinding, howToCompare } from "./drift-findings.ts";
import { fileFindings } from "./file-findings.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";
import { growthFindings } from "./growth-finding.ts";
import { kernelFacts, kernelFindings } from "./kernel-findings.ts";
import { machineFindings } from "./machine-findings.ts";
import { managerFindings } from "./manager-findings.ts";
import { reachFindings } from "./reach-findings.ts";
import { routeFindings } from "./route-findings.ts";
import { swapFacts, swapFindings } from "./swap-findings.ts";

export interface Surroundings {
  /** The configuration's file, as it was typed. */
  readonly config: string;
  readonly node?: string;
  readonly socket?: string;
  readonly stateDir?: string;
  /** The other machine's fingerprint, to be laid beside one of this machine. */
  readonly theirs?: Fingerprint | undefined;
}

export interface Checked {
  readonly findings: readonly Finding[];
  readonly drift: Drift | undefined;
}

/** Everything that a takeover needs, on this machine and, through a running agent, beyond it. */
export async function allFindings(
  configuration: Configuration,
  { config, node, socket, stateDir, theirs }: Surroundings,
): Promise<Checked> {
  const { pair } = configuration;
  const local = await localAddresses();
  const addresses = local.map(({ address }) => address);
  const name = node ?? orFinding("node", () => nodeHere(configuration, addresses));
  if (typeof name !== "string") return { findings: [name], drift: undefined };
  if (theirs !== undefined) mustBeOfPeer(theirs, configuration, name);
  const { here } = sidesOf(configuration, name);
  const all = await links();
  const hearing = orFinding("paths", () => hearingOf(configuration, here, local, all));
  if ("level" in hearing) return { findings: [hearing], drift: undefined };
  const path = socket ?? socketPath(pair);
  const agent = await statusAt(path);
  const status = agent.kind === "running" ? agent.status : undefined;
  const directory = stateDir ?? stateDirectory(pair);
  const drift = theirs && compareFingerprints(await gatherFingerprint(configuration, name), theirs);
  const findings = [
    ok("node", `this machine is ${name}`),
    ...(await fileFindings({
      key: configuration.key,
      stateDirectory: directory,
      socket: path,
      accessLogs: here.accessLogs,
      logFormat: configuration.logFormat,
      log: configuration.log.file,
    })),
    ...(await diskFindings([directory, ...here.accessLogs.map((file) => dirname(file))])),
    ...(await growthFindings(configuration, here, local)),
    ...(await machineFindings(configuration, here, { local, hearing })),
    ...companyFindings(configuration, here, { local, all }),
    ...managerFindings(here.interface, await networkManagersOf(here.interface)),
    ...kernelFindings(await kernelFacts(configuration, here, local)),
    ...(await routeFindings(configuration)),
    ...(await claimFindings(configuration, here, status)),
    ...(await reachFindings(configuration, here, hearing)),
    ...(await domainFindings(configuration)),
    ...(await certificateFindings(configuration, here)),
    ...(agent.kind === "running" ? agentFindings(agent.status, configuration) : [agent.finding]),
    ...swapFindings(await swapFacts(configuration, here), status),
    drift === undefined ? howToCompare(configuration, name, config) : driftFinding(drift),
  ];
  return { findings, drift };
}

function orFinding<Found>(topic: string, find: () => Found): Found | Finding {
  try {
    return find();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return failed(topic, error.message, "the rest was not looked at");
  }
}

type AgentHere =
  | { readonly kind: "running"; readonly status: Status }
  | { readonly kind: "silent"; readonly finding: Finding };

/** No agent yet is what a first check finds; one that is there and does not answer is a fault. */
async function statusAt(path: string): Promise<AgentHere> {
  try {
    return { kind: "running", status: await statusNow(path) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const finding = isAbsence(error)
      ? warning("agent", "no agent is running, so the other machine was not looked at", "")
      : failed("agent", error.message, "look at its log");
    return { kind: "silent", finding };
  }
}
