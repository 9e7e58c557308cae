import { connect } from "node:net";

import type { Configuration, NodeConfiguration } from "../configuration/configuration.ts";
import { sidesOf } from "../configuration/node-here.ts";
import { errorCode, reasonOf } from "../failure.ts";
import type { Hearing } from "../hearing.ts";
import { type Finding, ok, warning } from "./finding.ts";

/** What became of a connection to the other machine's own address. */
export type Reach =
  | { readonly kind: "open" }
  /** Its kernel said no: a service that listens on the pair's address alone says the same. */
  | { readonly kind: "refused" }
  | { readonly kind: "silent" }
  | { readonly kind: "failed"; readonly reason: string };

/** A first packet that is lost is repeated after a second (RFC 6298, 2.1). */
const patienceMillis = 1500;

/**
 * Whether new connections to the service's port pass the network and the other machine's firewall. Its own
 * addresses are tried, as the pair's leads to the holder; rules that look at the address may do otherwise with
 * that one, which only a swap or a preview shows.
 */
export async function reachFindings(
  configuration: Configuration,
  here: NodeConfiguration,
  { servicePaths }: Hearing,
): Promise<readonly Finding[]> {
  const { peer } = sidesOf(configuration, here.name);
  const { port } = configuration.canary;
  return Promise.all(
    here.paths
      .map((path, index) => ({ path, remote: peer.paths[index] ?? "" }))
      .filter((_, index) => servicePaths[index])
      .map(async ({ path, remote }) =>
        reachFinding(peer.name, remote, port, await reach(remote, port, path)),
      ),
  );
}

export function reachFinding(node: string, remote: string, port: number, reached: Reach): Finding {
  const there = `${node} at ${remote}, port ${port}`;
  switch (reached.kind) {
    case "open":
      return ok("firewall", `${there}, takes connections from here`);
    case "refused":
      return ok("firewall", `${there}, is reached and has nobody listening on that address`);
    case "silent":
      return warning(
        "firewall",
        `${there}, does not answer new connections from here`,
        "if it is on, look at its firewall: nft list ruleset, iptables -S",
      );
    case "failed":
      return warning(
        "firewall",
        `${there}, is not reached: ${reached.reason}`,
        "look at the route",
      );
  }
}

function reach(remote: string, port: number, localAddress: string): Promise<Reach> {
  return new Promise((resolve) => {
    const socket = connect({ host: remote, port, localAddress, timeout: patienceMillis });
    const end = (reached: Reach): void => {
      socket.destroy();
      resolve(reached);
    };
    socket.once("connect", () => end({ kind: "open" }));
    socket.once("timeout", () => end({ kind: "silent" }));
    socket.once("error", (error) => {
      const code = errorCode(error);
      if (code === "ECONNREFUSED") return end({ kind: "refused" });
      // A firewall that rejects, or nobody at that address.
      end({ kind: "failed", reason: reasonOf(error) });
    });
  });
}
