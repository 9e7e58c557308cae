import { runCommand } from "./command.ts";
import { parseAddress } from "./ip-address.ts";

/**
 * Routes of ours carry a protocol number of their own, which /etc/iproute2/rt_protos gives to nobody: `ip route
 * del` takes what it is not told for "any", and would remove a route of the machine's own to the same place.
 */
const mark = 94;

/** As `ip -N` names it. */
export const isOurs = (protocol: string): boolean => protocol === String(mark);

export const marked = (route: string): string => `${route} proto ${mark}`;

/** What tells one route from the others in the kernel: two with the same place cannot be. */
export type Place = string;

/** As `ip` prints the route: the shortest form of its destination, its metric, and its table's number. */
export function placeOf(route: string): Place {
  const [destination = "", ...words] = route.split(" ");
  const after = (word: string): string | undefined => {
    const at = words.indexOf(word);
    return at < 0 ? undefined : words[at + 1];
  };
  const family = familyOf(route);
  const metric = after("metric") ?? after("preference") ?? usualMetric[family];
  const table = after("table") ?? "main";
  return [family, shortest(destination), metric, tableNumbers[table] ?? table].join(" ");
}

/** `default via fe80::1` tells its family by its gateway alone. */
export const familyOf = (route: string): 4 | 6 => (route.includes(":") ? 6 : 4);

/** What the kernel takes where none is named; IP6_RT_PRIO_USER in include/uapi/linux/ipv6_route.h. */
const usualMetric = { 4: "0", 6: "1024" } as const;

/** include/uapi/linux/rtnetlink.h; the names that /etc/iproute2/rt_tables has everywhere. */
const tableNumbers: Readonly<Record<string, string>> = { main: "254", default: "253" };

/** A single address without its prefix length. */
function shortest(destination: string): string {
  if (destination === "default") return destination;
  const [text = "", length] = destination.split("/");
  if (length === "0") return "default";
  const { text: short, bytes } = parseAddress(text);
  return length === undefined || Number(length) === bytes.length * 8 ? short : `${short}/${length}`;
}

const patienceMillis = 3000;

/** The places of all routes with our mark; a sentence where `ip` did not tell. */
export async function readOwnRoutes(): Promise<ReadonlySet<Place> | string> {
  const places = new Set<Place>();
  for (const family of [4, 6] as const) {
    const filter = ["table", "all", "proto", String(mark)];
    const words = ["-j", "-N", `-${family}`, "route", "show", ...filter];
    const shown = await runCommand("ip", words, patienceMillis);
    // A kernel without IPv6 has none of its routes.
    if (shown.kind === "failed" && family === 6) continue;
    if (shown.kind === "failed") return shown.reason;
    for (const place of placesIn(shown.output, family)) places.add(place);
  }
  return places;
}

export function placesIn(json: string, family: 4 | 6): readonly Place[] {
  const entries: unknown = json.trim() === "" ? [] : JSON.parse(json);
  if (!Array.isArray(entries)) return [];
  return entries.map(({ dst, metric = usualMetric[family], table = "254" }) =>
    [family, dst, metric, table].join(" "),
  );
}
