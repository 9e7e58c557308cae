import { ipAddress } from "../configuration/formats.ts";
import type { Line } from "./heartbeat-file.ts";
import type { MovingAddress } from "./moving.ts";
import type { Place } from "./place.ts";
import { explained, type Reasons, remark } from "./remarks.ts";
import type { Remark } from "./sketch.ts";

export interface Resources {
  /** The node that shall have them, where a line names one. */
  readonly preferred: string | undefined;
  readonly addresses: readonly MovingAddress[];
  readonly remarks: readonly Remark[];
}

/**
 * The addresses of one node's lines; `wanted`: of which node, otherwise the first line's. Everything
 * else that moves with them, and what belongs to the other node, is remarked.
 */
export function resourcesOf(lines: readonly Line[], wanted: string | undefined): Resources {
  const preferred = wanted ?? lines[0]?.words[0];
  const addresses: MovingAddress[] = [];
  const remarks: Remark[] = [];
  for (const { place, words } of lines) {
    const [node = "", ...resources] = words;
    if (node !== preferred) {
      const because = `the addresses of a pair are on one machine, and ${node} is to have these`;
      const instead = `make a second pair for them with --instance ${node}`;
      remarks.push(remark(place, words, because, instead));
      continue;
    }
    for (const resource of resources) {
      const found = addressOf(resource, place);
      if (found === undefined) remarks.push(explained(reasons, place, [resource]));
      else if ("because" in found) remarks.push(found);
      else addresses.push(found);
    }
  }
  return { preferred, addresses, remarks };
}

const services = "failover starts and stops nothing: a service runs on both machines all the time";

const reasons: Reasons = [
  [/^(Filesystem|drbd|Raid|LVM)/i, "failover moves no storage", "both machines need the data"],
  [/^IPsrcaddr(::|$)/, "each machine keeps its own source address", ""],
  [/^SendArp(::|$)/, "failover announces the address itself", ""],
  [/^MailTo(::|$)/, "failover sends no mail", "let a program watch failover status --json"],
  [/^(ldirectord|LVSSyncDaemonSwap)/, "failover balances no load", "run that on both machines"],
  [/^Delay(::|$)/, "there is nothing to wait for", ""],
  [/./, services, "enable it on both"],
];

/**
 * `135.9.8.7`, `IPaddr::135.9.8.7/24/eth0/135.9.8.255`, `IPaddr2::…`, `IPv6addr::2001:db8::7/64/eth0`:
 * interface and broadcast in any order after the prefix length.
 */
function addressOf(resource: string, place: Place): MovingAddress | Remark | undefined {
  const named = /^(IPaddr2?|IPv6addr)::(.*)$/.exec(resource);
  const argument = named?.[1] === "IPv6addr" ? named[2] : named?.[2]?.split("::")[0];
  const [text = "", ...parts] = (argument ?? resource).split("/");
  const address = ipAddress.read(text);
  if (address === undefined) {
    if (named === null) return undefined;
    return remark(place, [resource], "it names no address of a machine", "add one to address");
  }
  const device = parts.find((part) => /^[a-z]/i.test(part));
  const bits = parts.find((part) => /^\d+$/.test(part));
  return {
    address,
    network: bits === undefined ? "" : `/${bits}`,
    device: device?.replace(/:.*$/, ""),
    place,
  };
}
