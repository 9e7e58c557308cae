import { addressOf } from "../ip-address.ts";
import { families } from "./sets.ts";
import { eachElement } from "./table-contents.ts";

/**
 * Whose requests the target may count as handed over. Both are of the last ten minutes, and of the service
 * interface: who came by another one, or from this machine, is in neither.
 */
export interface Arrivals {
  /** Clients whose frames for the pair's address came from the other machine. */
  readonly arrived: ReadonlySet<string>;
  /** Clients that opened a connection to another address of this machine, or to the pair's by themselves. */
  readonly direct: ReadonlySet<string>;
}

/** What `Purpose.arrivalsFrom` has recorded; at most 1024 of each and of each family. */
export async function readArrivals(table: string): Promise<Arrivals> {
  const arrived = new Set<string>();
  const direct = new Set<string>();
  for (const { n } of families) {
    await eachElement(table, `arrived${n}`, ({ key }) => arrived.add(addressOf(key).text));
    await eachElement(table, `direct${n}`, ({ key }) => direct.add(addressOf(key).text));
  }
  return { arrived, direct };
}
