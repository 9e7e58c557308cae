import { isLinkLocal, parseAddress } from "../../linux/ip-address.ts";
import { type Link, standsOn } from "../../linux/links.ts";
import type { LocalAddress } from "../../linux/network-facts.ts";
import type { Configuration, NodeConfiguration } from "../configuration/configuration.ts";
import { type Finding, ok, warning } from "./finding.ts";

/**
 * Whatever else is reached through an interface that goes down while it is free. Link-local addresses come
 * and go with it anyway.
 */
export function companyFindings(
  { addresses, takeover }: Configuration,
  { interface: device }: NodeConfiguration,
  { local, all }: { readonly local: readonly LocalAddress[]; readonly all: readonly Link[] },
): readonly Finding[] {
  if (takeover === "address") return [];
  const ours = new Set(addresses.map(({ address }) => address));
  const others = local.filter(
    (one) =>
      standsOn(one.interface, device, all) &&
      !ours.has(one.address) &&
      !isLinkLocal(parseAddress(one.address)),
  );
  if (others.length === 0) return [ok("interface", `nothing but the service is on ${device}`)];
  return others.map(({ address, interface: on }) =>
    warning(
      "interface",
      `${device} goes down while it is free, and ${address} on ${on} with it`,
      "move that address to another interface, or set takeover: address",
    ),
  );
}
