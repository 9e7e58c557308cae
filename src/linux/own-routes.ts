import { runCommand } from "./command.ts";
import { parseAddress } from "./ip-address.ts";
import { entriesIn, textIn } from "./ip-json.ts";

/**
 * Routes of ours carry a protocol number of their own, which /etc/iproute2/rt_protos gives to nobody: `ip route
 * del` takes what it is not told for "any", and would remove a route of the machine's own to the same place.
 */
const mark = 94;

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
const familyOf = (route: string): 4 | 6 => (route.includes(":") ? 6 : 4);

/** What the kernel takes where none is named; IP6_RT_PRIO_USER in include/uapi/linux/ipv6_route.h. */
const usualMetric = { 4: 0, 6: 1024 } as const;

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

/** A route as `ip` shows it. */
export interface ShownRoute {
  readonly place: Place;
  readonly device: string | undefined;
  /** An agent put it there. */
  readonly ours: boolean;
}

/** Those that fit the words of `ip route show`, of every table; a sentence where `ip` did not tell. */
async function shownRoutes(
  family: 4 | 6,
  filter: readonly string[],
): Promise<readonly ShownRoute[] | string> {
  const words = ["-j", "-N", `-${family}`, "route", "show", "table", "all", ...filter];
  const shown = await runCommand("ip", words, patienceMillis);
  return shown.kind === "done" ? readRoutes(shown.output, family) : shown.reason;
}

export const readRoutes = (json: string, family: 4 | 6): readonly ShownRoute[] =>
  entriesIn(json).map((route) => {
    const { dst, metric = usualMetric[family], table = tableNumbers["main"] } = route;
    return {
      place: [family, dst, metric, table].join(" "),
      device: textIn(route, "dev"),
      ours: textIn(route, "protocol") === String(mark),
    };
  });

/** The places of all routes with our mark, in the families of `routes`; a sentence where `ip` did not tell. */
export async function readOwnRoutes(
  routes: readonly string[],
): Promise<ReadonlySet<Place> | string> {
  const places = new Set<Place>();
  for (const family of new Set(routes.map(familyOf))) {
    const shown = await shownRoutes(family, ["proto", String(mark)]);
    if (typeof shown === "string") return shown;
    for (const { place } of shown) places.add(place);
  }
  return places;
}

/** The machine's own route that has this one's place; undefined also where `ip` did not tell. */
export async function inPlaceOf(route: string): Promise<ShownRoute | undefined> {
  const [destination = ""] = route.split(" ");
  const shown = await shownRoutes(familyOf(route), ["exact", destination]);
  return typeof shown === "string" ? undefined : strangerAt(route, shown);
}

export const strangerAt = (route: string, shown: readonly ShownRoute[]): ShownRoute | undefined =>
  shown.find(({ place, ours }) => !ours && place === placeOf(route));
