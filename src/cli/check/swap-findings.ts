import { type Ipv6State, ipv6States } from "../../linux/kernel-settings.ts";
import { hardwareBelow, type LargeReceive, largeReceiveOf, links } from "../../linux/links.ts";
import type { Configuration, NodeConfiguration, SwapMode } from "../configuration/configuration.ts";
import { refusalsNow } from "../dry-run-command.ts";
import { obstacleToHandingOver } from "../obstacle.ts";
import type { Status } from "../status.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface SwapFacts {
  readonly mode: SwapMode;
  /** Asked of the kernel now; undefined: it can hand connections over. */
  readonly obstacle: string | undefined;
  /** Of the network cards below the interface; virtual interfaces have none. */
  readonly largeReceive: readonly { readonly card: string; readonly state: LargeReceive }[];
  /** Of the interface. */
  readonly ipv6: readonly Ipv6State[];
}

export async function swapFacts(
  configuration: Configuration,
  here: NodeConfiguration,
): Promise<SwapFacts> {
  const { interface: device } = here;
  const cards = hardwareBelow(device, await links());
  return {
    mode: configuration.swap.mode,
    obstacle: await obstacleToHandingOver(configuration, here),
    largeReceive: await Promise.all(
      cards.map(async (card) => ({ card, state: await largeReceiveOf(card) })),
    ),
    ipv6: await ipv6States(device),
  };
}

/** How a planned swap would go, as far as this machine can tell. */
export function swapFindings(facts: SwapFacts, status: Status | undefined): readonly Finding[] {
  const mode = modeFinding(facts, status);
  const drains = facts.mode === "drain" && facts.obstacle === undefined;
  return [
    mode,
    ...(drains ? facts.largeReceive.flatMap(largeReceiveFinding) : []),
    ...facts.ipv6.flatMap(ipv6Finding),
    ...(status === undefined ? [] : refusalFindings(status)),
  ];
}

function modeFinding({ mode, obstacle }: SwapFacts, status: Status | undefined): Finding {
  const cut = "a planned swap will be in cut mode, because";
  if (mode === "cut") return ok("swap", `${cut} swap.mode says so`);
  if (obstacle !== undefined)
    return warning("swap", `${cut} ${obstacle}`, "mend that, then restart the agent");
  const whole = "this machine can hand connections over and back";
  if (status === undefined) return ok("swap", `${whole}; the other was not asked`);
  const { agent, peer } = status;
  if (!agent.diverts) {
    const found = `${cut} this machine could not hand connections over when its agent started`;
    return warning("swap", found, "it can now: restart the agent");
  }
  if (peer.diverts === null) return ok("swap", `${whole}; ${peer.node} was not heard yet`);
  if (peer.diverts) return ok("swap", "a planned swap will be in drain mode");
  const found = `${cut} ${peer.node} says that it cannot hand connections over`;
  return warning("swap", found, "failover check there says why");
}

function largeReceiveFinding({ card, state }: SwapFacts["largeReceive"][number]): Finding[] {
  switch (state) {
    case "off":
      return [];
    case "on": {
      const found = `${card} merges segments into frames that are too long to be handed over (LRO)`;
      return [warning("swap", found, `ethtool -K ${card} lro off`)];
    }
    case "unknown": {
      const found = `whether ${card} merges segments (LRO) is not known without ethtool`;
      return [{ ...ok("swap", found), advice: "apt install ethtool" }];
    }
  }
}

function ipv6Finding({ address, state }: Ipv6State): Finding[] {
  switch (state) {
    case "ready":
      return [];
    case "tentative": {
      const found = `${address} is still being looked at for a duplicate, and cannot be used yet`;
      return [warning("address", found, "check again in some seconds")];
    }
    case "duplicate": {
      const found = `another machine has ${address} as well, so this one does not use it`;
      return [failed("address", found, "give one of them another address")];
    }
  }
}

/** By the words of `promote --dry-run`, so that the two never disagree. */
function refusalFindings(status: Status): Finding[] {
  const { holder, node, peer } = status;
  if (holder === null) return [];
  const target = holder === node ? peer.node : node;
  const refusals = refusalsNow(status, target);
  if (refusals.length === 0) return [ok("swap", `failover promote ${target} would begin now`)];
  return refusals.map((reason) =>
    warning("swap", `failover promote ${target} would refuse: ${reason}`, ""),
  );
}
