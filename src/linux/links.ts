import { runCommand } from "./command.ts";
import { entriesIn, textIn } from "./ip-json.ts";

/** One network interface as `ip -j -d link` tells it, which knows this network namespace and no other. */
export interface Link {
  readonly name: string;
  /** `bridge`, `vlan`, `bond`, `veth` …; undefined for hardware, and for `lo`. */
  readonly kind: string | undefined;
  /** The bridge or bond that it is a part of. */
  readonly master: string | undefined;
  /** What a vlan or macvlan stands on. */
  readonly below: string | undefined;
}

/** Every interface; none where `ip` does not answer. */
export async function links(): Promise<readonly Link[]> {
  const shown = await runCommand("ip", ["-j", "-d", "link", "show"], patienceMillis);
  return shown.kind === "done" ? readLinks(shown.output) : [];
}

export function readLinks(json: string): readonly Link[] {
  return entriesIn(json).map(({ ifname, linkinfo, master, link, link_type }) => ({
    name: String(ifname),
    kind: textIn(linkinfo, "info_kind") ?? (link_type === "loopback" ? "loopback" : undefined),
    master: typeof master === "string" ? master : undefined,
    below: typeof link === "string" ? link : undefined,
  }));
}

/** The network cards that frames of this interface cross in the end. */
export const hardwareBelow = (device: string, all: readonly Link[]): readonly string[] =>
  downFrom(device, all).flatMap(({ name, kind }) => (kind === undefined ? [name] : []));

/** Whether the interface is the other one, or is down when that one is. */
export const standsOn = (device: string, below: string, all: readonly Link[]): boolean =>
  device === below || downFrom(device, all).some(({ name }) => name === below);

/** The interface, what it stands on, and what is a part of it, down to the network cards. */
function downFrom(device: string, all: readonly Link[]): readonly Link[] {
  const seen = new Set<string>();
  const visit = (name: string | undefined): readonly Link[] => {
    const link = all.find((one) => one.name === name);
    if (link === undefined || seen.has(link.name)) return [];
    seen.add(link.name);
    if (link.kind === undefined) return [link];
    const parts = all.filter(({ master }) => master === link.name).map(({ name: part }) => part);
    // The other end of a veth stands in the same place, and is no part of it.
    const below = link.kind === "veth" ? [] : [link.below];
    return [link, ...[...below, ...parts].flatMap(visit)];
  };
  return visit(device);
}

export type LargeReceive = "on" | "off" | "unknown";

/** Whether the card merges segments into frames that are too long to be sent on; ethtool(8) knows. */
export async function largeReceiveOf(card: string): Promise<LargeReceive> {
  const shown = await runCommand("ethtool", ["-k", card], patienceMillis);
  return shown.kind === "done" ? readLargeReceive(shown.output) : "unknown";
}

export function readLargeReceive(text: string): LargeReceive {
  const state = /^large-receive-offload: (on|off)/m.exec(text)?.[1];
  return state === "on" || state === "off" ? state : "unknown";
}

/** The interface by which packets from `local` go to `remote`; undefined where no route does. */
export async function wayTo(remote: string, local: string): Promise<string | undefined> {
  const words = ["-j", "route", "get", remote, "from", local];
  const shown = await runCommand("ip", words, patienceMillis);
  return shown.kind === "done" ? textIn(entriesIn(shown.output)[0], "dev") : undefined;
}

/** The interfaces of the default routes of IPv4. */
export async function defaultWays(): Promise<readonly string[]> {
  const shown = await runCommand("ip", ["-j", "-4", "route", "show", "default"], patienceMillis);
  if (shown.kind !== "done") return [];
  return entriesIn(shown.output).flatMap((route) => textIn(route, "dev") ?? []);
}

const patienceMillis = 3000;
