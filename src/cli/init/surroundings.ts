import { parseAddress, sameNetwork } from "../../linux/ip-address.ts";

/** What this machine knows of itself. */
export interface Surroundings {
  /** Without its domain. */
  readonly hostname: string;
  /** The address of the default route's interface first; none of loopback, none that needs a zone. */
  readonly local: readonly LocalPlace[];
}

export interface LocalPlace {
  readonly interface: string;
  /** Canonical. */
  readonly address: string;
  readonly prefixLength: number;
}

/** The interface that reaches an address without a gateway. */
export function interfaceTo({ local }: Surroundings, address: string): string | undefined {
  const wanted = parseAddress(address);
  return local.find(({ address: own, prefixLength }) =>
    sameNetwork(parseAddress(own), wanted, prefixLength),
  )?.interface;
}

/** Our own address on an interface, of the family of `like` where that is given. */
export function ownAddress(
  { local }: Surroundings,
  device: string,
  like: string | undefined,
): string | undefined {
  return local.find(
    ({ interface: name, address }) =>
      name === device && (like === undefined || address.includes(":") === like.includes(":")),
  )?.address;
}

/** Addresses that move say nothing of the machine that happens to have them. */
export function without(surroundings: Surroundings, moving: readonly string[]): Surroundings {
  const local = surroundings.local.filter(({ address }) => !moving.includes(address));
  return { ...surroundings, local };
}
