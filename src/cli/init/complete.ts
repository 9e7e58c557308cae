import type { FoundWeb } from "./discover.ts";
import { both } from "./flags.ts";
import type { Said, Sketch, SketchNode } from "./sketch.ts";
import { ownAddress, type Surroundings } from "./surroundings.ts";

/** What this machine knows of itself, for the node that it is. */
export interface Findings {
  readonly surroundings: Surroundings;
  readonly web: FoundWeb;
}

const origin = "found on this machine";

/**
 * The sketch with what was found here: the interface and address of this machine, the web server's
 * log, and an interface of the other machine that is called as ours.
 */
export function withFindings(sketch: Sketch, { surroundings, web }: Findings): Sketch {
  const device = deviceOf(sketch, surroundings);
  const named = both(sketch.nodes, (node) => ({
    ...node,
    interface: node.interface ?? device,
    accessLogs: node.accessLogs.length > 0 ? node.accessLogs : web.accessLogs,
  }));
  const [one, other] = named;
  const nodes: Sketch["nodes"] = [
    withOwnPath(one, other, surroundings),
    withOwnPath(other, one, surroundings),
  ];
  const settings = {
    ...sketch.settings,
    logFormat: sketch.settings.logFormat ?? web.logFormat,
    canary: sketch.settings.canary ?? web.canary,
  };
  return { ...sketch, nodes, settings };
}

/** The interface of the other node is called the same, as a rule. */
function deviceOf({ nodes }: Sketch, { local }: Surroundings): Said | undefined {
  const told = nodes[0].interface ?? nodes[1].interface;
  if (told !== undefined) return { value: told.value, origin: "as on the other node" };
  const [first] = local;
  return first && { value: first.interface, origin };
}

/** Of a family with the other's address; one path only, because more cannot be told apart. */
function withOwnPath(node: SketchNode, other: SketchNode, surroundings: Surroundings): SketchNode {
  if (node.here !== true || node.paths.length > 0 || other.paths.length > 1) return node;
  const [theirs] = other.paths;
  const own = node.interface && ownAddress(surroundings, node.interface.value, theirs?.value);
  return own === undefined || theirs === undefined
    ? node
    : { ...node, paths: [{ value: own, origin }] };
}
