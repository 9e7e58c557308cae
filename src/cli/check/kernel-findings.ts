import { parseAddress, sameNetwork } from "../../linux/ip-address.ts";
import { greaterSetting, kernelSetting } from "../../linux/kernel-settings.ts";
import { defaultWays, type Link, links, wayTo } from "../../linux/links.ts";
import type { LocalAddress } from "../../linux/network-facts.ts";
import type { Configuration, NodeConfiguration } from "../configuration/configuration.ts";
import { sidesOf } from "../configuration/node-here.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface KernelFacts {
  /** The service interface. */
  readonly device: string;
  readonly link: Link | undefined;
  /** Kind of the interface that the service interface is a part of. */
  readonly masterKind: string | undefined;
  readonly settings: DeviceSettings;
  /** Every IPv4 address of the pair is in a network that the interface has without the pair. */
  readonly covered: boolean;
  /** Paths of IPv4. */
  readonly paths: readonly Way[];
  /** Interfaces of the default routes. */
  readonly defaultWays: readonly string[];
  /** An address or a path is of IPv6. */
  readonly needsIpv6: boolean;
}

interface DeviceSettings {
  readonly rpFilter: number;
  readonly arpIgnore: number;
  readonly proxyArp: boolean;
  readonly proxyNdp: boolean;
  readonly ipv6Disabled: boolean;
  /** Of bridges: netfilter sees what they pass on. */
  readonly bridgeFilters: boolean;
}

export interface Way {
  readonly local: string;
  readonly remote: string;
  /** Where datagrams of the other machine arrive. */
  readonly arrives: string;
  /** Where answers go; undefined: nowhere. */
  readonly leaves: string | undefined;
  /** Of the interface where they arrive. */
  readonly rpFilter: number;
}

export async function kernelFacts(
  configuration: Configuration,
  here: NodeConfiguration,
  local: readonly LocalAddress[],
): Promise<KernelFacts> {
  const { interface: device, name } = here;
  const { peer } = sidesOf(configuration, name);
  const all = await links();
  const link = all.find((one) => one.name === device);
  const addresses = [...configuration.addresses.map(({ address }) => address), ...here.paths];
  return {
    device,
    link,
    masterKind: all.find((one) => one.name === link?.master)?.kind,
    settings: await settingsOf(device),
    covered: isCovered(configuration, device, local),
    paths: await Promise.all(
      here.paths.flatMap((path, index) => {
        const arrives = local.find(({ address }) => address === path)?.interface;
        const remote = peer.paths[index];
        const known = arrives !== undefined && remote !== undefined;
        return known && isIpv4(path) ? [wayOf(path, remote, arrives)] : [];
      }),
    ),
    defaultWays: await defaultWays(),
    needsIpv6: !addresses.every(isIpv4),
  };
}

/** Settings of the kernel that let beats or the service vanish without a word. */
export function kernelFindings(facts: KernelFacts): readonly Finding[] {
  const findings = [
    ...bridgeFindings(facts),
    ...arpFindings(facts),
    ...facts.paths.flatMap(pathFindings),
    ...clientFindings(facts),
    ...ipv6Findings(facts),
  ];
  if (findings.length > 0) return findings;
  return [ok("kernel", `no setting of ${facts.device} is in the way`)];
}

function bridgeFindings({ device, link, masterKind, settings }: KernelFacts): readonly Finding[] {
  if (masterKind === "bridge") {
    const found = `${device} is a port of ${link?.master}, so its frames are the bridge's`;
    return [failed("kernel", found, `interface: ${link?.master}, which has the addresses`)];
  }
  if (link?.kind !== "bridge" || !settings.bridgeFilters) return [];
  const found = `what ${device} passes on goes through netfilter (bridge-nf-call-*)`;
  const advice = "if its rules do not mean that: sysctl -w net.bridge.bridge-nf-call-iptables=0";
  return [warning("kernel", found, `${advice}, and likewise ip6tables and arptables`)];
}

/**
 * `arp_ignore` 2 answers only where the address and the asker are in one network of the interface
 * (inet_confirm_addr in net/ipv4/devinet.c), which the /32 of the pair is not; 8 answers for nothing. With 2 the
 * probes of the other agent, whose sender is 0.0.0.0, are answered as ever: only users would notice.
 */
function arpFindings({ device, settings, covered }: KernelFacts): readonly Finding[] {
  const { arpIgnore, proxyArp, proxyNdp } = settings;
  const ignored =
    arpIgnore === 8
      ? [""]
      : arpIgnore === 2 && !covered
        ? [`, as no network of ${device} has it`]
        : [];
  const set = (name: string): string => `sysctl -w net.ipv4.conf.${device}.${name}=0`;
  return [
    ...ignored.map((why) =>
      failed(
        "kernel",
        `arp_ignore=${arpIgnore}: nobody is answered for the address${why}`,
        `${set("arp_ignore")}, and the same for all; 1 is as good`,
      ),
    ),
    ...(proxyArp
      ? [
          warning(
            "kernel",
            `proxy_arp: ${device} may answer for the address while the other machine holds it`,
            `${set("proxy_arp")}, and the same for all`,
          ),
        ]
      : []),
    ...(proxyNdp
      ? [
          warning(
            "kernel",
            `proxy_ndp: ${device} answers for whatever ip -6 neigh show proxy lists`,
            `sysctl -w net.ipv6.conf.${device}.proxy_ndp=0, unless none of it is the pair's`,
          ),
        ]
      : []),
  ];
}

function pathFindings({ local, remote, arrives, leaves, rpFilter }: Way): readonly Finding[] {
  if (leaves === undefined) {
    const found = `no route leads from ${local} to ${remote}`;
    return [failed("kernel", found, `ip route get ${remote} from ${local}`)];
  }
  if (leaves === arrives || rpFilter !== 1) return [];
  const found = `beats of ${remote} arrive on ${arrives} and are dropped: answers go by ${leaves}`;
  return [failed("kernel", `${found}, and rp_filter is 1`, looser(arrives))];
}

/** Of clients behind a router: those on the network itself are reached there. */
function clientFindings({ device, settings, defaultWays: ways }: KernelFacts): readonly Finding[] {
  if (settings.rpFilter !== 1 || ways.length === 0 || ways.includes(device)) return [];
  const found = `clients from afar are dropped on ${device}: answers go by ${ways.join(", ")}`;
  return [warning("kernel", `${found}, and rp_filter is 1`, looser(device))];
}

const looser = (device: string): string =>
  `sysctl -w net.ipv4.conf.${device}.rp_filter=2, or correct the routes`;

function ipv6Findings({ device, settings, needsIpv6 }: KernelFacts): readonly Finding[] {
  if (!needsIpv6 || !settings.ipv6Disabled) return [];
  const advice = `sysctl -w net.ipv6.conf.${device}.disable_ipv6=0`;
  return [failed("kernel", `IPv6 is disabled on ${device}`, advice)];
}

async function settingsOf(device: string): Promise<DeviceSettings> {
  const isSet = async (...parts: readonly string[]): Promise<boolean> =>
    (await kernelSetting(["net", ...parts])) === "1";
  const [rpFilter, arpIgnore, proxyArp, proxyNdp, allNdp, ipv6Disabled, ...filters] =
    await Promise.all([
      greaterSetting(device, "rp_filter"),
      greaterSetting(device, "arp_ignore"),
      greaterSetting(device, "proxy_arp"),
      isSet("ipv6", "conf", device, "proxy_ndp"),
      isSet("ipv6", "conf", "all", "proxy_ndp"),
      isSet("ipv6", "conf", device, "disable_ipv6"),
      ...["iptables", "ip6tables", "arptables"].map((tables) =>
        isSet("bridge", `bridge-nf-call-${tables}`),
      ),
    ]);
  return {
    rpFilter,
    arpIgnore,
    proxyArp: proxyArp > 0,
    proxyNdp: proxyNdp || allNdp,
    ipv6Disabled,
    bridgeFilters: filters.includes(true),
  };
}

function isCovered(
  { addresses }: Configuration,
  device: string,
  local: readonly LocalAddress[],
): boolean {
  const moving = addresses.map(({ address }) => parseAddress(address));
  const own = local.filter(
    (one) => one.interface === device && !moving.some(({ text }) => text === one.address),
  );
  return moving
    .filter(({ family }) => family === 4)
    .every((address) =>
      own.some((one) => sameNetwork(parseAddress(one.address), address, one.prefixLength)),
    );
}

async function wayOf(local: string, remote: string, arrives: string): Promise<Way> {
  const rpFilter = await greaterSetting(arrives, "rp_filter");
  return { local, remote, arrives, leaves: await wayTo(remote, local), rpFilter };
}

const isIpv4 = (address: string): boolean => parseAddress(address).family === 4;
