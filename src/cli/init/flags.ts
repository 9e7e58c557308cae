import {
  absolutePath,
  type Format,
  hostName,
  interfaceName,
  ipAddress,
  nodeName,
  pairName,
} from "../configuration/formats.ts";
import { quote } from "../configuration/problem.ts";
import { exitCodes, Failure } from "../failure.ts";
import { namesOf } from "./settle.ts";
import { type Said, type Sketch, type SketchNode, unknownNode } from "./sketch.ts";
import type { Surroundings } from "./surroundings.ts";

/** What the command line says of the pair. */
export interface PairFlags {
  readonly pair?: string;
  readonly address: readonly string[];
  readonly domain?: string;
  /** `NAME=INTERFACE,ADDRESS[,ADDRESS…]`. */
  readonly node: readonly string[];
  readonly accessLog: readonly string[];
}

/** The sketch with what was typed, which stands above everything else. */
export function withFlags(sketch: Sketch, flags: PairFlags, { local }: Surroundings): Sketch {
  const addresses = flags.address.map((text) => said("--address", text, ipAddress));
  const logs = flags.accessLog.map((text) => said("--access-log", text, absolutePath));
  const typed = flags.node.map(nodeFlag);
  const own = new Set(local.map(({ address }) => address));
  const nodes = withNodes(sketch, typed, (node) => node.paths.some(({ value }) => own.has(value)));
  return {
    ...sketch,
    pair: flags.pair === undefined ? sketch.pair : said("--pair", flags.pair, pairName),
    addresses: addresses.length > 0 ? addresses : sketch.addresses,
    domain: flags.domain === undefined ? sketch.domain : said("--domain", flags.domain, hostName),
    nodes: logs.length === 0 ? nodes : both(nodes, (node) => ({ ...node, accessLogs: logs })),
  };
}

export function both(
  [one, other]: Sketch["nodes"],
  change: (node: SketchNode) => SketchNode,
): Sketch["nodes"] {
  return [change(one), change(other)];
}

/** A typed value, or a Failure with what may be typed. */
export function said(flag: string, text: string, { read, allowed }: Format<string>): Said {
  const value = read(text);
  if (value !== undefined) return { value, origin: "" };
  throw new Failure(exitCodes.usage, `Cannot use ${flag} ${quote(text)}: allowed is ${allowed}`);
}

function nodeFlag(text: string): SketchNode {
  const match = /^([^=]*)=([^,]*),(.+)$/.exec(text);
  if (match === null)
    throw new Failure(
      exitCodes.usage,
      `Cannot use --node ${quote(text)}: allowed is NAME=INTERFACE,ADDRESS[,ADDRESS], ` +
        "such as backup=eth0,203.0.113.12",
    );
  const [, name = "", device = "", paths = ""] = match;
  return {
    ...unknownNode,
    name: said("--node", name, nodeName),
    interface: said("--node", device, interfaceName),
    paths: paths.split(",").map((path) => said("--node", path, ipAddress)),
  };
}

/**
 * Two nodes that were typed are the pair, in their order. One alone is the node of that name; in a pair
 * of which nothing is known yet it is the other machine, unless its address is one of ours.
 */
function withNodes(
  sketch: Sketch,
  typed: readonly SketchNode[],
  isOurs: (node: SketchNode) => boolean,
): Sketch["nodes"] {
  const [one, other, third] = typed;
  if (third !== undefined)
    throw new Failure(exitCodes.usage, "Cannot use --node three times: a pair has two nodes");
  if (one === undefined) return sketch.nodes;
  if (other !== undefined) {
    const [first, second] = [one, other].map((node) => ({ ...node, here: isOurs(node) }));
    return [first ?? one, second ?? other];
  }
  const fresh = sketch.source === "";
  const ours = isOurs(one);
  const names = namesOf(sketch.nodes).map(({ value }) => value);
  const at = names.indexOf(one.name?.value ?? "");
  if (at < 0 && !fresh)
    throw new Failure(
      exitCodes.usage,
      `Cannot use --node ${one.name?.value}: the nodes are ${names.join(" and ")}; name both to rename`,
    );
  const isFirst = at < 0 ? ours : at === 0;
  const left = isFirst ? sketch.nodes[1] : sketch.nodes[0];
  const rest = { ...left, here: ours ? false : fresh || left.here };
  const node = { ...one, here: ours };
  return isFirst ? [node, rest] : [rest, node];
}
