import { parseAddress } from "../../linux/ip-address.ts";
import { lookForLeftovers } from "../../linux/leftovers.ts";
import {
  capabilities,
  gatewaysOf,
  interfaceFacts,
  type LocalAddress,
  tools,
} from "../../linux/network-facts.ts";
import { isListening } from "../../linux/service-watch.ts";
import type { Configuration, NodeConfiguration } from "../configuration/configuration.ts";
import type { Hearing } from "../hearing.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

/** What this machine has and lacks, before any agent runs. */
export async function machineFindings(
  configuration: Configuration,
  here: NodeConfiguration,
  { local, hearing }: { readonly local: readonly LocalAddress[]; readonly hearing: Hearing },
): Promise<readonly Finding[]> {
  const { heartbeatInterface = here.interface } = hearing;
  return [
    ...(await toolFindings()),
    await capabilityFinding(),
    ...interfaceFindings(configuration, here),
    ...pathFindings(here, local),
    ...permanentFindings(configuration, here),
    ...(await witnessFindings(configuration, heartbeatInterface)),
    await serviceFinding(configuration),
  ];
}

async function toolFindings(): Promise<readonly Finding[]> {
  const { ip, nft } = await tools();
  return [toolFinding("ip", ip, "iproute2"), toolFinding("nft", nft, "nftables")];
}

function toolFinding(tool: string, found: string | undefined, debianPackage: string): Finding {
  if (found !== undefined) return ok("tools", found);
  return failed("tools", `${tool} is not installed`, `apt install ${debianPackage}`);
}

async function capabilityFinding(): Promise<Finding> {
  const { netAdmin, netRaw } = await capabilities();
  const missing = [
    ...(netAdmin ? [] : ["CAP_NET_ADMIN, for addresses and nftables"]),
    ...(netRaw ? [] : ["CAP_NET_RAW, for ARP and neighbour discovery"]),
  ];
  if (missing.length === 0) return ok("capabilities", "CAP_NET_ADMIN and CAP_NET_RAW are here");
  return failed("capabilities", `missing: ${missing.join("; ")}`, "run this command as root");
}

function interfaceFindings(
  { addresses, takeover }: Configuration,
  here: NodeConfiguration,
): readonly Finding[] {
  const names = new Set([here.interface, ...addresses.flatMap((one) => one.interface ?? [])]);
  return [...names].map((name) => {
    const facts = interfaceFacts(name);
    if (facts === undefined) {
      return failed("interface", `${name} does not exist`, "correct interface, see ip link");
    }
    if (!facts.up && takeover === "link" && name === here.interface)
      return ok("interface", `${name} is down while it is free, so its cable is not known`);
    if (!facts.up) return failed("interface", `${name} is down`, `ip link set ${name} up`);
    if (!facts.carrier) return failed("interface", `${name} has no carrier`, "look at its cable");
    return ok("interface", `${name} is up, MAC ${facts.mac}`);
  });
}

function pathFindings(here: NodeConfiguration, local: readonly LocalAddress[]): readonly Finding[] {
  return here.paths.map((path) => {
    const found = local.find(({ address }) => address === path);
    if (found !== undefined) return ok("path", `${path} is on ${found.interface}`);
    return failed("path", `${path} is no address of this machine`, `correct paths, or add it`);
  });
}

/** An address that the machine's own network configuration adds comes back at every boot. */
function permanentFindings(
  { addresses }: Configuration,
  here: NodeConfiguration,
): readonly Finding[] {
  const devices = new Set(addresses.map((one) => one.interface ?? here.interface));
  return [...devices].flatMap((device) => {
    const ours = addresses.filter((one) => (one.interface ?? here.interface) === device);
    const { permanent } = lookForLeftovers(
      device,
      ours.map(({ address }) => address),
    );
    return permanent.map((address) =>
      failed(
        "address",
        `${address} is on ${device} without a lease: this machine would keep it for ever`,
        `take it out of the network configuration, then ip addr del ${address} dev ${device}`,
      ),
    );
  });
}

async function witnessFindings(
  { witness }: Configuration,
  device: string,
): Promise<readonly Finding[]> {
  if (witness.kind === "none") {
    return [
      warning(
        "witness",
        "none: a cut between the machines makes both of them hold the address",
        "configure one that answers when this machine is really connected",
      ),
    ];
  }
  if (witness.kind === "addresses") return [ok("witness", witness.addresses.join(", "))];
  const gateways = await gatewaysOf(device);
  if (gateways.length > 0) return [ok("witness", `the gateway, ${gateways.join(", ")}`)];
  return [
    warning(
      "witness",
      `${device} has no default gateway`,
      "configure witness with an address that always answers",
    ),
  ];
}

async function serviceFinding({ canary, addresses }: Configuration): Promise<Finding> {
  const listening = await isListening(
    canary.port,
    addresses.map(({ address }) => parseAddress(address)),
  );
  if (listening) return ok("service", `something listens on port ${canary.port}`);
  return warning(
    "service",
    `nothing listens on port ${canary.port} of the address or of every address`,
    "start the web server, or correct canary.port",
  );
}
