import type { Marks, Remark, Said, Settings, Sketch, SketchNode } from "./sketch.ts";

/** A value for the file; `mark`: what has to be changed about it before an agent can use it. */
export interface Settled extends Said {
  readonly mark?: string;
}

export interface SettledPair {
  readonly source: string;
  readonly pair: Settled;
  readonly addresses: readonly Settled[];
  readonly domain: Settled | undefined;
  readonly nodes: readonly [SettledNode, SettledNode];
  /** Which of the nodes is the other machine, as far as that is known. */
  readonly peer: 0 | 1;
  readonly settings: Settings;
  readonly marks: Marks;
  readonly remarks: readonly Remark[];
}

export interface SettledNode {
  readonly name: Settled;
  readonly interface: Settled;
  readonly paths: readonly Settled[];
  readonly accessLogs: readonly Settled[];
}

/**
 * A sketch without holes. What is not known gets a value that is clearly none: addresses are from a
 * network for documentation (RFC 5737) in which nothing known is, so that an agent does not start with
 * them. `local`: this machine's addresses.
 */
export function settled(sketch: Sketch, local: readonly string[]): SettledPair {
  const { source, pair, domain, settings, marks = {}, remarks } = sketch;
  const names = namesOf(sketch.nodes);
  const known = [
    ...sketch.addresses,
    ...sketch.nodes.flatMap(({ paths }) => paths),
    ...(settings.witness ?? []),
  ].map(({ value }) => value);
  const unused = unusedNetwork([...known, ...local]);
  let last = 0;
  const free = (): string => {
    last += 1;
    return `${unused}${last}`;
  };
  const pathless = sketch.nodes.some(({ paths }) => paths.length === 0);
  const addresses = sketch.addresses.length > 0 ? sketch.addresses : [unknownAddress(free())];
  const nodes = sketch.nodes.map((node, at) =>
    nodeOf(pathless ? withoutPaths(node) : node, names[at === 0 ? 0 : 1], free),
  );
  return {
    source,
    addresses,
    domain,
    remarks,
    pair: pair ?? { value: "www", origin: "names sockets and tables on this machine" },
    nodes: nodes as [SettledNode, SettledNode],
    peer: sketch.nodes[1].here === true ? 0 : 1,
    settings,
    marks,
  };
}

/** Everything that is marked, as sentences. */
export function marksOf({ pair, addresses, domain, nodes, marks }: SettledPair): readonly string[] {
  const values = nodes.flatMap((node) => [
    node.name,
    node.interface,
    ...node.paths,
    ...node.accessLogs,
  ]);
  const marked = [pair, ...addresses, ...(domain ? [domain] : []), ...values];
  return [...marked.map(({ mark }) => mark), marks.nodes, marks.witness].filter(
    (mark) => mark !== undefined,
  );
}

const documentation = ["192.0.2.", "198.51.100.", "203.0.113."];

/** The third part of an address of ours may still be anything, where even these are in use. */
function unusedNetwork(known: readonly string[]): string {
  const candidates = [...documentation, ...Array.from({ length: 256 }, (_, at) => `198.18.${at}.`)];
  const free = candidates.find((network) => !known.some((address) => address.startsWith(network)));
  return free ?? "198.19.0.";
}

function unknownAddress(value: string): Settled {
  return { value, origin: "", mark: "the address of the service, which is not known" };
}

/** One end alone would let an agent start that can never hear the other. */
function withoutPaths({ paths, hints, ...rest }: SketchNode): SketchNode {
  return {
    ...rest,
    paths: [],
    hints: [...hints, ...paths.map(({ value }) => `probably ${value}`)],
  };
}

/** The names of the nodes; those that are not known are primary and backup. */
export function namesOf([one, other]: Sketch["nodes"]): readonly [Said, Said] {
  const guess = "a name of your choice";
  const first = one.name ?? {
    value: other.name?.value === "primary" ? "first" : "primary",
    origin: guess,
  };
  if (other.name !== undefined && other.name.value !== first.value) return [first, other.name];
  return [first, { value: first.value === "backup" ? "second" : "backup", origin: guess }];
}

function nodeOf(node: SketchNode, name: Said, free: () => string): SettledNode {
  const { interface: device, paths, accessLogs, hints } = node;
  const which = `${name.value}'s`;
  const known = hints.length === 0 ? "" : ` (${hints.join("; ")})`;
  return {
    name,
    interface: device ?? { value: "eth0", origin: "", mark: `${which} interface is not known` },
    paths:
      paths.length > 0
        ? paths
        : [{ value: free(), origin: "", mark: `${which} own address is not known${known}` }],
    accessLogs:
      accessLogs.length > 0
        ? accessLogs
        : [{ value: usualLog, origin: "the usual place of nginx" }],
  };
}

/** Of nginx on Debian; the default of the configuration too. */
export const usualLog = "/var/log/nginx/access.log";
