import { interfaceName } from "../configuration/formats.ts";
import { type Place, shortPlace } from "./place.ts";
import { remark } from "./remarks.ts";
import type { Remark, Said } from "./sketch.ts";
import { interfaceTo, type Surroundings } from "./surroundings.ts";

/** An address that moves. */
export interface MovingAddress {
  /** Canonical. */
  readonly address: string;
  /** `/24`, where one was given. */
  readonly network: string;
  /** Undefined: whichever reaches it. */
  readonly device: string | undefined;
  readonly place: Place;
}

export interface Moving {
  readonly interface: Said | undefined;
  readonly addresses: readonly Said[];
  readonly remarks: readonly Remark[];
}

const addressesMax = 1024;

/** The addresses that share the first one's interface; they move together. */
export function movingOf(found: readonly MovingAddress[], surroundings: Surroundings): Moving {
  const device = interfaceOf(found, surroundings);
  const addresses = new Map<string, Said>();
  const remarks: Remark[] = [];
  for (const { address, device: own, place } of found) {
    if (own !== undefined && own !== device?.value) {
      const because = `the addresses of a pair are on one interface, ${device?.value ?? "another"}`;
      const instead = "make a second pair for the other interface";
      remarks.push(remark(place, [address, "on", own], because, instead));
    } else if (addresses.size < addressesMax && !addresses.has(address)) {
      addresses.set(address, { value: address, origin: shortPlace(place) });
    }
  }
  const wide = found.find(({ network }) => network !== "" && !/^\/(32|128)$/.test(network));
  if (wide !== undefined) {
    const because = "addresses move alone here, as /32 and /128";
    const instead = "each machine needs an address of its own in that network, and a path is one";
    remarks.push(remark(wide.place, [`${wide.address}${wide.network}`], because, instead));
  }
  return { interface: device, addresses: [...addresses.values()], remarks };
}

function interfaceOf(
  found: readonly MovingAddress[],
  surroundings: Surroundings,
): Said | undefined {
  const named = found.find(({ device }) => device !== undefined);
  const value = named?.device;
  if (named !== undefined && value !== undefined && interfaceName.read(value) !== undefined)
    return { value, origin: shortPlace(named.place) };
  for (const { address } of found) {
    const reaching = interfaceTo(surroundings, address);
    if (reaching !== undefined) return { value: reaching, origin: "this machine's network" };
  }
  return undefined;
}
