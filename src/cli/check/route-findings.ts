import { inPlaceOf } from "../../linux/own-routes.ts";
import type { Configuration } from "../configuration/configuration.ts";
import { type Finding, ok, warning } from "./finding.ts";

/** Whether the routes of the pair find their places free. */
export async function routeFindings({ routes }: Configuration): Promise<readonly Finding[]> {
  if (routes.length === 0) return [];
  const found = await Promise.all(
    routes.map(async (route) => {
      const own = await inPlaceOf(route);
      return own === undefined ? [] : [occupied(route, own.device)];
    }),
  );
  const taken = found.flat();
  return taken.length > 0 ? taken : [ok("routes", "no route of this machine is in their place")];
}

function occupied(route: string, device = "no interface"): Finding {
  const [destination] = route.split(" ");
  const found = `this machine has a route of its own to ${destination}, by ${device}, so "${route}" cannot be added`;
  return warning("routes", found, "give one of the two another metric");
}
