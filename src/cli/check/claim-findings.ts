import { setTimeout } from "node:timers/promises";

import { now } from "../../linux/alarm-clock.ts";
import { parseAddress } from "../../linux/ip-address.ts";
import { Neighbourhood } from "../../linux/neighbourhood.ts";
import { NetlinkSocket } from "../../linux/netlink-socket.ts";
import { interfaceFacts } from "../../linux/network-facts.ts";
import { Troubles } from "../../linux/troubles.ts";
import type { Configuration, NodeConfiguration } from "../configuration/configuration.ts";
import type { Status } from "../status.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

/** Three questions, as one of them or its answer may be lost. */
const questions = 3;
const answerMillis = 100;

/** Who answers for the address on the service network, apart from this machine. */
export async function claimFindings(
  configuration: Configuration,
  here: NodeConfiguration,
  status: Status | undefined,
): Promise<readonly Finding[]> {
  // Nobody can be asked on an interface that is down; nobody there answers either.
  if (interfaceFacts(here.interface)?.up === false) return [];
  const answered = await whoAnswers(configuration, here);
  if (typeof answered === "string") return [failed("claim", answered, "run this command as root")];
  const claims = answered.map((mac) => claimFinding(mac, here, status));
  return claims.length > 0 ? claims : [ok("claim", "nobody else answers for the address")];
}

function claimFinding(
  mac: string,
  { name }: NodeConfiguration,
  status: Status | undefined,
): Finding {
  const found = `MAC ${mac} answers for the address`;
  const advice = "find that machine, or the gateway with proxy ARP, and stop it";
  if (status === undefined) {
    return warning("claim", found, "that must be the other machine; otherwise find it and stop it");
  }
  if (status.holder === name) return failed("claim", `${found}, which ${name} holds`, advice);
  if (status.peer.mac === mac) return ok("claim", `${status.peer.node} answers for the address`);
  return failed("claim", `${found}, and is not ${status.peer.node}`, advice);
}

/** MACs, or a sentence why nobody could be asked. */
async function whoAnswers(
  { addresses }: Configuration,
  here: NodeConfiguration,
): Promise<readonly string[] | string> {
  const own = addresses.filter((one) => one.interface === undefined);
  const place = placeOf(here.interface);
  if (place === undefined || own.length === 0) return [];
  const macs = new Set<string>();
  let trouble: string | undefined;
  const neighbourhood = new Neighbourhood({
    network: "service",
    addresses: own.map(({ address }) => parseAddress(address)),
    peers: [],
    isWitness: () => false,
    now,
    report: (event) => {
      if (event.kind === "neighbour-answered") macs.add(event.mac);
    },
    troubles: new Troubles((told) => {
      if (told.kind !== "ended") trouble ??= told.sentence;
    }),
  });
  try {
    neighbourhood.use(place);
    for (let question = 0; question < questions; question++) {
      neighbourhood.probe(undefined);
      await setTimeout(answerMillis);
      neighbourhood.read();
    }
  } finally {
    neighbourhood.close();
  }
  return trouble ?? [...macs];
}

function placeOf(device: string): { interfaceIndex: number; mac: string } | undefined {
  const route = new NetlinkSocket("route");
  try {
    const link = route.link(device);
    return link && { interfaceIndex: link.index, mac: link.mac };
  } finally {
    route.close();
  }
}
