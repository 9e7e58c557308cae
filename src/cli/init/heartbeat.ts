import { clusterOf, type Link, type Pinged } from "./ha-cf.ts";
import { resourcesOf } from "./haresources.ts";
import { linesOf } from "./heartbeat-file.ts";
import { movingOf } from "./moving.ts";
import { type Medium, pathsOf } from "./paths.ts";
import { shortPlace } from "./place.ts";
import { remark, sorted } from "./remarks.ts";
import type { Remark, Said, Sketch, SketchNode } from "./sketch.ts";
import { ownAddress, type Surroundings, without } from "./surroundings.ts";
import { bootTimeOf, timersOf } from "./timers.ts";

export interface SourceFile {
  readonly file: string;
  readonly text: string;
}

export interface HeartbeatFiles {
  readonly haCf: SourceFile | undefined;
  readonly haresources: SourceFile | undefined;
  /** authkeys stands beside them. */
  readonly authkeys: string | undefined;
}

/**
 * Linux-HA heartbeat's configuration (ha.cf, haresources) as ours. `instance`: the node whose
 * addresses are meant, where haresources has lines of several.
 */
export function fromHeartbeat(
  { haCf, haresources, authkeys }: HeartbeatFiles,
  surroundings: Surroundings,
  instance: string | undefined,
): Sketch {
  const lines = haresources === undefined ? [] : linesOf(haresources.file, haresources.text);
  const resources = resourcesOf(lines, instance);
  const cluster = clusterOf(haCf === undefined ? [] : linesOf(haCf.file, haCf.text));
  const moving = movingOf(resources.addresses, surroundings);
  const [first, second] = inOrder(cluster.nodes, resources.preferred);
  const names = [first?.value, second?.value] as const;
  const here = hereOf(names, surroundings);
  const carried = moving.addresses.map(({ value }) => value);
  const around = here === undefined ? stranger : without(surroundings, carried);
  const media = mediaOf(cluster.links, around, {
    service: moving.interface?.value,
    oursSecond: here === 1,
    fileOrderTurned: first !== cluster.nodes[0],
  });
  const paths = pathsOf(media, carried);
  const device = moving.interface ?? firstDevice(cluster.links);
  const timers = timersOf(cluster.keepalive, cluster.deadtime);
  const witnesses = witnessesOf(cluster.witnesses, [
    ...carried,
    ...paths.first.map(({ value }) => value),
    ...paths.second.map(({ value }) => value),
  ]);
  const boot = bootTimeOf(cluster.initdead);
  const node = (name: Said | undefined, index: 0 | 1): SketchNode => ({
    name,
    here: here === undefined ? undefined : here === index,
    interface: device,
    paths: index === 0 ? paths.first : paths.second,
    accessLogs: [],
    hints: paths.hints,
  });
  const files = [haCf?.file, haresources?.file].filter((file) => file !== undefined);
  return {
    source: `from ${files.join(" and ")}`,
    pair: undefined,
    addresses: moving.addresses,
    domain: undefined,
    nodes: [node(first, 0), node(second, 1)],
    settings: {
      port: cluster.port,
      interval: timers.interval,
      deadTime: timers.deadTime,
      bootTime: boot?.said,
      witness: witnesses.said,
    },
    remarks: sorted([
      ...cluster.remarks,
      ...timers.remarks,
      ...(boot?.remarks ?? []),
      ...witnesses.remarks,
      ...resources.remarks,
      ...moving.remarks,
      ...paths.remarks,
      ...(authkeys === undefined ? [] : [keysRemark(authkeys)]),
    ]),
  };
}

/** A machine that is none of the nodes says nothing of their addresses. */
const stranger: Surroundings = { hostname: "", local: [] };

const keysRemark = (file: string): Remark => ({
  place: { file, line: 1 },
  what: "its keys",
  because: "beats are sealed with a key of 32 random bytes",
  instead: "failover init makes one",
});

const witnessesMax = 16;

/** A machine of the pair, or what moves, cannot tell whether the network is there. */
function witnessesOf(
  pinged: readonly Pinged[],
  used: readonly string[],
): { readonly said: readonly Said[] | undefined; readonly remarks: readonly Remark[] } {
  const said = new Map<string, Said>();
  const remarks: Remark[] = [];
  for (const { line, address } of pinged) {
    const refuse = (because: string): void => {
      remarks.push(remark(line.place, ["ping", address], because, ""));
    };
    if (said.has(address)) continue;
    if (used.includes(address)) refuse("it is an address of the pair itself");
    else if (said.size === witnessesMax) refuse(`${witnessesMax} witnesses are enough`);
    else said.set(address, { value: address, origin: shortPlace(line.place) });
  }
  return { said: said.size === 0 ? undefined : [...said.values()], remarks };
}

function inOrder(
  nodes: readonly Said[],
  preferred: string | undefined,
): readonly (Said | undefined)[] {
  const at = nodes.findIndex(
    ({ value }) => value === preferred?.split(".")[0] || value === preferred,
  );
  return at === 1 ? [nodes[1], nodes[0]] : nodes;
}

function hereOf(
  names: readonly (string | undefined)[],
  { hostname }: Surroundings,
): 0 | 1 | undefined {
  const at = names.findIndex((name) => name !== undefined && name.split(".")[0] === hostname);
  return at === 0 || at === 1 ? at : undefined;
}

/**
 * One medium a device, the service's first. ha.cf is the same on both machines, so ucast is often
 * there twice, with either machine's address; heartbeat ignores its own.
 */
function mediaOf(
  links: readonly Link[],
  surroundings: Surroundings,
  order: {
    readonly service: string | undefined;
    readonly oursSecond: boolean;
    /** The nodes stand in another order than in the file. */
    readonly fileOrderTurned: boolean;
  },
): Medium[] {
  const devices = [...new Set(links.map(({ device }) => device))];
  devices.sort((one, other) => Number(other === order.service) - Number(one === order.service));
  return devices.flatMap((device) => {
    const own = links.filter((link) => link.device === device);
    const [link] = own;
    if (link === undefined) return [];
    const named = [...new Set(own.flatMap(({ address }) => address ?? []))];
    const local = surroundings.local.map(({ address }) => address);
    const ours = named.find((address) => local.includes(address));
    const theirs = named.find((address) => address !== ours);
    const inFileOrder = ours === undefined && named.length > 1;
    const ends = inFileOrder
      ? ([named[0], named[1]] as const)
      : ([ours ?? ownAddress(surroundings, device, theirs), theirs] as const);
    const turned = inFileOrder ? order.fileOrderTurned : order.oursSecond;
    const { place, words } = link.line;
    const doubt = inFileOrder ? ", in the order of the nodes: exchange them if that is wrong" : "";
    return [{ place, words, device, ends: turned ? [ends[1], ends[0]] : ends, doubt }];
  });
}

function firstDevice([link]: readonly Link[]): Said | undefined {
  return link && { value: link.device, origin: shortPlace(link.line.place) };
}
