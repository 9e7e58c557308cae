import { routesTo } from "../../linux/links.ts";
import { familyOf, isOurs } from "../../linux/own-routes.ts";
import type { Configuration } from "../configuration/configuration.ts";
import { type Finding, ok, warning } from "./finding.ts";

/** One line of `ip -j route show exact DESTINATION`. */
export interface ShownRoute {
  /** 0 where `ip` names none. */
  readonly metric: number;
  readonly device: string | undefined;
  /** Its number. */
  readonly protocol: string;
}

/** Whether the routes of the pair find their places free. */
export async function routeFindings({ routes }: Configuration): Promise<readonly Finding[]> {
  if (routes.length === 0) return [];
  const found = await Promise.all(
    routes.map(async (route) =>
      occupied(route, await routesTo(destinationIn(route), familyOf(route))),
    ),
  );
  const taken = found.flat();
  return taken.length > 0 ? taken : [ok("routes", "no route of this machine is in their place")];
}

/** A route with another metric stands beside it; one in another table is not looked at. */
export function occupied(route: string, there: readonly ShownRoute[]): readonly Finding[] {
  const metric = Number(/ metric (\d+)/.exec(route)?.[1] ?? usualMetric[familyOf(route)]);
  const same = there.find((one) => one.metric === metric && !isOurs(one.protocol));
  if (same === undefined || / table (?!main\b)/.test(route)) return [];
  const found = `this machine has a route of its own to ${destinationIn(route)}, by ${same.device ?? "no interface"}, so "${route}" cannot be added`;
  return [warning("routes", found, "give one of the two another metric")];
}

/** What the kernel takes where none is named; IP6_RT_PRIO_USER in include/uapi/linux/ipv6_route.h. */
const usualMetric = { 4: 0, 6: 1024 } as const;

const destinationIn = (route: string): string => route.split(" ")[0] ?? route;
