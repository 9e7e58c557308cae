import type { AddressWish } from "../core/effect.ts";
import { hostPrefix, type IpAddress } from "./ip-address.ts";
import type { KernelAddress } from "./netlink.ts";
import {
  entryOf,
  leasedOf,
  needsMute,
  type Picture,
  presenceOf,
  type Scene,
  silentIsComplete,
} from "./picture.ts";

/**
 * The next step from what is there to what is wished. Pure. Two tracks that never wait for each
 * other where the address has to go: silence needs nftables, and nftables takes its time.
 *
 *   up:    mute · address on lo · address on the interface, leased
 *   down:  address on the interface · lo · mute
 *   over:  address on the interface · mute · a while later lo
 *
 * An address that stays on lo when it leaves the interface is muted first, as long as that takes no longer
 * than its connections can wait.
 */

/**
 * Commands of `ip` for the leased address; none when nothing is to be done or can be. An address
 * with an unlimited lifetime, put there by hand, is taken over: from then on the lease holds for it
 * too.
 */
export const nextAddressCommands = (
  scene: Scene,
  wish: AddressWish,
  picture: Picture,
  leaseSeconds: number,
  patient = false,
): readonly string[] => {
  if (picture.link === undefined) return [];
  const stays = wish.address === "absent" && wish.silent === "present";
  if (patient && stays && !silentIsComplete(scene, picture, wish)) return [];
  const device = scene.interface;
  const removal = ({ address, prefixLength }: KernelAddress): string =>
    `addr del ${address.text}/${prefixLength} dev ${device}`;
  const former = new Set(scene.former.map(({ text }) => text));
  const leaving = leasedOf(picture)
    .filter(({ address }) => former.has(address.text))
    .map(removal);
  if (wish.address === "present") {
    const missing = scene.addresses.flatMap((address) => {
      const entry = entryOf(address, picture.service);
      if (entry !== undefined && entry.validFor !== "forever") return [];
      const verb = entry === undefined ? "add" : "change";
      const prefix = entry?.prefixLength ?? hostPrefix(address);
      return [leasedCommand(verb, address, prefix, device, leaseSeconds)];
    });
    return [...leaving, ...missing];
  }
  // Whatever prefix length it has: the kernel answers for it, and another machine is about to.
  const ours = new Set(scene.addresses.map(({ text }) => text));
  const present = picture.service.filter(({ address }) => ours.has(address.text));
  return [...leaving, ...present.map(removal)];
};

export type SilentStep =
  | { readonly kind: "mute" | "unmute" }
  | { readonly kind: "commands"; readonly lines: readonly string[] };

/**
 * `settled`: the interface has had the address for a while. The kernel shows an IPv6 address before its local
 * route is there, which a work queue puts in (net/ipv6/addrconf.c, addrconf_dad_completed): on a busy machine
 * what arrived in the milliseconds between was nobody's.
 */
export const nextSilentStep = (
  scene: Scene,
  wish: AddressWish,
  picture: Picture,
  settled = true,
): SilentStep | undefined => {
  const mute = needsMute(scene);
  const device = scene.silentInterface;
  const isThere = (address: IpAddress): boolean => entryOf(address, picture.silent) !== undefined;
  if (wish.silent === "present") {
    // Beside the address on the interface nothing is to be muted: this machine answers for it.
    const muted = mute && wish.address === "absent";
    if (muted && !picture.muted) return { kind: "mute" };
    if (!muted && picture.muted) return { kind: "unmute" };
    const missing = scene.addresses.filter((address) => !isThere(address));
    return commands(
      missing.map((address) => `addr add ${onHost(address)} dev ${device}${nodad(address)}`),
    );
  }
  if (wish.address === "present") {
    // The connections live on one of the two: lo is left only when the interface has the address.
    if (presenceOf(scene.addresses, picture.service) !== "all") return undefined;
    if (picture.muted) return { kind: "unmute" };
    if (!settled) return undefined;
  }
  const there = [...scene.addresses, ...scene.former].filter(isThere);
  if (there.length > 0) {
    return commands(there.map((address) => `addr del ${onHost(address)} dev ${device}`));
  }
  return picture.muted ? { kind: "unmute" } : undefined;
};

const commands = (lines: readonly string[]): SilentStep | undefined =>
  lines.length === 0 ? undefined : { kind: "commands", lines };

const leasedCommand = (
  verb: "add" | "change",
  address: IpAddress,
  prefixLength: number,
  device: string,
  leaseSeconds: number,
): string => {
  // Preferred 0: an IPv6 address of the pair is never chosen as the source of the machine's own
  // traffic.
  const preferred = address.family === 4 ? leaseSeconds : 0;
  const lifetime = `valid_lft ${leaseSeconds} preferred_lft ${preferred}`;
  return `addr ${verb} ${address.text}/${prefixLength} dev ${device} ${lifetime}${nodad(address)}`;
};

const onHost = (address: IpAddress): string => `${address.text}/${hostPrefix(address)}`;

/**
 * Without it the kernel keeps an IPv6 address to itself for a second, to ask whether it is free.
 */
const nodad = (address: IpAddress): string => (address.family === 6 ? " nodad" : "");
