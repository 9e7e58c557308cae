import type { MacAddress } from "../../core/beat.ts";
import type { Flow } from "../../core/diversion.ts";
import { addressOf } from "../ip-address.ts";
import { families, lateMillis, type SetName } from "./sets.ts";
import { eachElement } from "./table-contents.ts";

/** A neighbour that still sends to the machine which let the address go: a host, or a router for many. */
export interface Straggler {
  readonly client: string;
  /** Whose entry is old: what an announcement to it alone is sent to. */
  readonly mac: MacAddress;
  /** Milliseconds since its last packet. */
  readonly silentFor: number;
}

/** Of `all-but-kept`; the last one to have sent comes first. Rejects where the kernel refuses. */
export async function listStragglers(table: string): Promise<readonly Straggler[]> {
  const found: Straggler[] = [];
  for (const { n } of families) {
    const length = n === 4 ? 4 : 16;
    await eachElement(table, setName("late", n), ({ key, expires = 0 }) => {
      const mac =
        key
          .toString("hex", length, length + 6)
          .match(/../g)
          ?.join(":") ?? "";
      const client = addressOf(key.subarray(0, length)).text;
      found.push({ client, mac, silentFor: Math.max(0, lateMillis - expires) });
    });
  }
  return found.sort((one, other) => one.silentFor - other.silentFor);
}

/**
 * Connections that were handed over by `share` and have not ended, or the list of those that are handed
 * back. Rejects where the kernel refuses.
 */
export async function listDivertedFlows(
  table: string,
  set: "moved" | "keep" = "moved",
): Promise<readonly Flow[]> {
  const flows: Flow[] = [];
  for (const { n } of families) {
    const length = n === 4 ? 4 : 16;
    const pair = length + 4;
    await eachElement(table, setName(set, n), ({ key }) => {
      flows.push({
        address: addressOf(key.subarray(pair, pair + length)).text,
        port: key.readUInt16BE(pair + length),
        client: addressOf(key.subarray(0, length)).text,
        clientPort: key.readUInt16BE(length),
      });
    });
  }
  return flows;
}

const setName = (set: SetName, n: 4 | 6): string => `${set}${n}`;
