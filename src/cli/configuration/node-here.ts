import type { Policy } from "../../core/policy.ts";
import { millis } from "../../core/time.ts";
import { exitCodes, Failure } from "../failure.ts";
import type { Configuration, NodeConfiguration } from "./configuration.ts";
import { configurationDigest } from "./digest.ts";

/** The pair as one of the two machines sees it. */
export interface Sides {
  readonly here: NodeConfiguration;
  readonly peer: NodeConfiguration;
  /** `here` stands first in `nodes`. */
  readonly first: boolean;
}

export function sidesOf(configuration: Configuration, node: string): Sides {
  const [first, second] = configuration.nodes;
  if (node === first.name) return { here: first, peer: second, first: true };
  if (node === second.name) return { here: second, peer: first, first: false };
  throw new Failure(
    exitCodes.usage,
    `Cannot find the node ${node} in the configuration: ` +
      `its nodes are ${first.name} and ${second.name}`,
  );
}

/**
 * The name of the node whose path is an address of this machine; `localAddresses` in their shortest
 * form.
 */
export function nodeHere(configuration: Configuration, localAddresses: readonly string[]): string {
  const here = configuration.nodes.filter(({ paths }) =>
    paths.some((path) => localAddresses.includes(path)),
  );
  const [only, another] = here;
  if (only !== undefined && another === undefined) return only.name;
  const found =
    another === undefined
      ? `no path of ${namesAndPaths(configuration)} is an address of this machine`
      : `this machine has paths of both ${only?.name} and ${another.name}`;
  throw new Failure(
    exitCodes.usage,
    `Cannot tell which node this machine is: ${found}; correct the paths, or name it with --node`,
  );
}

/** What decisions need. `servicePaths`: one word a path, whether it crosses the service network. */
export function policyFor(
  configuration: Configuration,
  node: string,
  servicePaths: readonly boolean[],
): Policy {
  const { here, peer, first } = sidesOf(configuration, node);
  const { interval, deadTime, confirmTime, lease, bootTime, swap, witness } = configuration;
  return {
    node: here.name,
    peer: peer.name,
    first,
    configuration: configurationDigest(configuration),
    paths: here.paths.map((_, index) => ({ service: servicePaths[index] ?? false })),
    witness: witness.kind !== "none",
    interval,
    deadTime,
    confirmTime,
    lease,
    bootTime,
    swap: { ...swap, warmTime },
  };
}

/** A client repeats a first packet whose answer was lost after 1 s and after 3 s (RFC 6298, 2.1). */
export const warmTime = millis(4000);

function namesAndPaths({ nodes }: Configuration): string {
  return nodes.map(({ name, paths }) => `${name} (${paths.join(", ")})`).join(" or ");
}
