import type { Configuration } from "../configuration/configuration.ts";
import { configurationDigest } from "../configuration/digest.ts";
import { happened } from "../spans.ts";
import type { PathStatus, Status } from "../status.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

/** What a running agent knows that nobody else can: the other machine, as seen from here. */
export function agentFindings(status: Status, configuration: Configuration): readonly Finding[] {
  return [
    agentFinding(status, configuration),
    ...status.paths.flatMap((path) => pathFindings(path, silenceMillisMax(configuration))),
    ...peerFindings(status),
    ...witnessFindings(status),
    ...serviceFindings(status),
    ...status.alerts.map(({ sentence, age }) =>
      warning("alert", `${sentence}, ${happened("began", age)}`, "see failover history"),
    ),
  ];
}

/** Far beyond what one lost beat makes: a path that is silent for so long is cut. */
function silenceMillisMax({ deadTime, interval }: Configuration): number {
  return Math.max(1000, 3 * deadTime, 10 * interval);
}

function agentFinding({ agent }: Status, configuration: Configuration): Finding {
  if (agent.configuration === configurationDigest(configuration)) {
    return ok("agent", `version ${agent.version} runs with this configuration`);
  }
  return warning(
    "agent",
    "the running agent has another configuration than this file",
    "reload it: systemctl reload failover; failover history says what needs a restart",
  );
}

function pathFindings(path: PathStatus, silence: number): readonly Finding[] {
  const heard = path.heardAge !== null && path.heardAge <= silence;
  const heardThere = path.hearsUsAge !== null && path.hearsUsAge <= silence;
  if (heard && heardThere) return [ok("path", `${path.name} carries beats both ways`)];
  const drops = Object.entries(path.dropped).filter(([, count]) => count > 0);
  const dropped =
    drops.length === 0
      ? ""
      : `; dropped: ${drops.map(([reason, count]) => `${count} ${reason}`).join(", ")}`;
  return [
    ...(heard
      ? []
      : [
          failed(
            "path",
            `${path.name}: the other machine was ${happened("heard", path.heardAge)}${dropped}`,
            "look at its agent, the cable, the firewall and the key",
          ),
        ]),
    ...(heardThere
      ? []
      : [
          failed(
            "path",
            `${path.name}: the other machine ${happened("heard us", path.hearsUsAge)}`,
            "look at the firewall here and there",
          ),
        ]),
  ];
}

function peerFindings({ peer, agent }: Status): readonly Finding[] {
  if (peer.heardAge === null || peer.role === null) return [];
  const same = peer.configuration === agent.configuration;
  return [
    same
      ? ok("peer", `${peer.node} has the same configuration`)
      : failed(
          "peer",
          `${peer.node} has another configuration`,
          "copy the file, and reload it there",
        ),
    peer.able === true || peer.role === "holding"
      ? ok("peer", `${peer.node} is ${peer.role}`)
      : warning("peer", `${peer.node} is not able to take over`, "see failover status there"),
    ...(peer.service === "failed"
      ? [warning("peer", `the service of ${peer.node} has failed`, "start the web server there")]
      : []),
  ];
}

function witnessFindings({ witness }: Status): readonly Finding[] {
  if (witness.addresses.length === 0) return [];
  const found = `${witness.addresses.join(", ")} ${happened("seen", witness.seenAge)}`;
  if (!witness.broken && witness.seenAge !== null) return [ok("witness", found)];
  return [warning("witness", `${found} and is no evidence`, "configure one that answers")];
}

function serviceFindings({ service }: Status): readonly Finding[] {
  if (service.health !== "failed") return [];
  const found = `port ${service.port} ${happened("seen listening", service.age)}`;
  return [failed("service", found, "start the web server")];
}
