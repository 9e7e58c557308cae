import type { AddressWish } from "../core/effect.ts";
import type { Presence } from "../core/event.ts";
import { hostPrefix, type IpAddress } from "./ip-address.ts";
import type { MonitorFact } from "./ip-monitor-lines.ts";
import type { KernelAddress, KernelLink } from "./netlink.ts";
import type { NetlinkSocket } from "./netlink-socket.ts";

/** What the kernel had at one instant, as far as the address is concerned. */
export interface Picture {
  /** The service interface; undefined while it does not exist. */
  readonly link: KernelLink | undefined;
  readonly service: readonly KernelAddress[];
  readonly silentIndex: number | undefined;
  readonly silent: readonly KernelAddress[];
  /** The table exists that keeps the kernel from answering ARP for the silent address. */
  readonly muted: boolean;
}

/** Where to look, and for what. */
export interface Scene {
  readonly interface: string;
  readonly silentInterface: string;
  readonly addresses: readonly IpAddress[];
  /** Were among them until the configuration changed, and have not left the kernel yet. */
  readonly former: readonly IpAddress[];
  readonly muteTable: string;
}

/** How the kernel is asked: conversations over when the call returns. */
export interface Kernel {
  readonly route: NetlinkSocket;
  readonly netfilter: NetlinkSocket;
}

/** Asks the kernel now. A sentence where it did not tell. */
export const lookAt = (
  scene: Scene,
  { route, netfilter }: Kernel,
  what: { readonly mute: boolean },
): Picture | string => {
  const link = route.findLink(scene.interface);
  const lo = route.findLink(scene.silentInterface);
  // Taken for a missing interface, a question that failed would be an address observed absent.
  if (typeof link === "string") return link;
  if (typeof lo === "string") return lo;
  const service = link === undefined ? [] : route.addresses(link.index);
  const silent = lo === undefined ? [] : route.addresses(lo.index);
  if (typeof service === "string") return service;
  if (typeof silent === "string") return silent;
  const muted = what.mute && netfilter.table("arp", scene.muteTable);
  return { link, service, silentIndex: lo?.index, silent, muted };
};

/**
 * All of the pair's addresses together, with any prefix length: the kernel speaks for each of them.
 */
export const presenceOf = (
  addresses: readonly IpAddress[],
  there: readonly KernelAddress[],
): Presence => {
  const texts = new Set(there.map(({ address }) => address.text));
  const count = addresses.filter((address) => texts.has(address.text)).length;
  if (count === 0) return "none";
  return count === addresses.length ? "all" : "some";
};

/**
 * The entry that is, or could become, the leased one: IPv6 knows an address once, IPv4 once a
 * prefix.
 */
export const entryOf = (
  address: IpAddress,
  there: readonly KernelAddress[],
): KernelAddress | undefined =>
  entriesFor(address.text, there).find(
    (entry) => address.family === 6 || entry.prefixLength === hostPrefix(address),
  );

/** The scene with other addresses: whoever is not among them any more has to leave. */
export const withAddresses = (scene: Scene, addresses: readonly IpAddress[]): Scene => {
  const stays = new Set(addresses.map(({ text }) => text));
  const former = [...scene.former, ...scene.addresses].filter(({ text }) => !stays.has(text));
  return { ...scene, addresses, former };
};

/** Forgets who has left: an address that anybody else puts there later is none of ours. */
export const withoutGone = (scene: Scene, picture: Picture): Scene => {
  if (scene.former.length === 0) return scene;
  const isThere = (address: IpAddress): boolean =>
    entriesFor(address.text, picture.service).some(({ validFor }) => validFor !== "forever") ||
    entryOf(address, picture.silent) !== undefined;
  return { ...scene, former: scene.former.filter(isThere) };
};

/** Of the service interface. What has no lifetime was put there by an administrator. */
export const leasedOf = ({ service }: Picture): readonly KernelAddress[] =>
  service.filter(({ validFor }) => validFor !== "forever");

/** This machine's own addresses on the service interface. */
export const ownAddresses = (scene: Scene, picture: Picture): readonly KernelAddress[] => {
  const ours = new Set([...scene.addresses, ...scene.former].map(({ text }) => text));
  return picture.service.filter(({ address }) => !ours.has(address.text));
};

/**
 * Whether the kernel's picture differs from ours after this: renewals, which come all the time, do
 * not.
 */
export const isNews = (fact: MonitorFact, scene: Scene, picture: Picture | undefined): boolean => {
  if (picture === undefined) return true;
  const { link } = picture;
  if (fact.kind === "link") {
    if (fact.interfaceIndex !== link?.index) return fact.name === scene.interface;
    const states = fact.up === link.up && fact.carrier === link.carrier;
    return fact.deleted || !states || fact.name !== link.name || fact.mac !== link.mac;
  }
  const entries = new Map([
    [link?.index, picture.service],
    [picture.silentIndex, picture.silent],
  ]).get(fact.interfaceIndex);
  if (entries === undefined) return false;
  const there = entriesFor(fact.address, entries).find(
    ({ prefixLength }) => prefixLength === fact.prefixLength,
  );
  if (fact.deleted) return there !== undefined;
  return there === undefined || (there.validFor === "forever") !== (fact.validFor === "forever");
};

/** Muted is said of ARP; IPv6 on `lo` is not answered for anyway. */
export const silentIsComplete = (scene: Scene, picture: Picture, wish: AddressWish): boolean => {
  const mute = needsMute(scene) && wish.address === "absent";
  return presenceOf(scene.addresses, picture.silent) === "all" && picture.muted === mute;
};

export const needsMute = (scene: Scene): boolean =>
  scene.addresses.some((address) => address.family === 4);

/**
 * A thousand addresses are looked up a thousand times in each list: every list is sorted out once.
 */
const sortedOut = new WeakMap<readonly KernelAddress[], ReadonlyMap<string, KernelAddress[]>>();

const entriesFor = (text: string, entries: readonly KernelAddress[]): readonly KernelAddress[] => {
  let byText = sortedOut.get(entries);
  if (byText === undefined) {
    byText = groupByText(entries);
    sortedOut.set(entries, byText);
  }
  return byText.get(text) ?? [];
};

const groupByText = (entries: readonly KernelAddress[]): Map<string, KernelAddress[]> => {
  const groups = new Map<string, KernelAddress[]>();
  for (const entry of entries) {
    const group = groups.get(entry.address.text);
    if (group === undefined) groups.set(entry.address.text, [entry]);
    else group.push(entry);
  }
  return groups;
};
