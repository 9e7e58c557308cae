import { nodeName, pairName } from "../configuration/formats.ts";
import { exitCodes, Failure } from "../failure.ts";
import {
  configurationIds,
  type ReadIncluded,
  readTree,
  type SourceText,
  type Statement,
} from "./keepalived-file.ts";
import { movingOf } from "./moving.ts";
import { type Medium, pathsOf } from "./paths.ts";
import { shortPlace } from "./place.ts";
import { explained, remark, sorted } from "./remarks.ts";
import type { Remark, Said, Sketch, SketchNode } from "./sketch.ts";
import { ownAddress, type Surroundings, without } from "./surroundings.ts";
import { timersOf } from "./timers.ts";
import { type Instance, instanceOf, type Known } from "./vrrp.ts";
import { globalReasons, instanceReasons } from "./vrrp-reasons.ts";
import {
  apartRemark,
  type Machine,
  movingAlong,
  syncGroupOf,
  tornGroups,
} from "./vrrp-together.ts";

/**
 * keepalived's configuration as ours. A file with lines for two machines (`@one`, `@other`) tells both;
 * another tells the machine that it was written for, and perhaps the address of its peer. `wanted`: the
 * vrrp_instance that is meant, where there are several.
 */
export function fromKeepalived(
  source: SourceText,
  included: ReadIncluded,
  surroundings: Surroundings,
  wanted: string | undefined,
): Sketch {
  const ids = configurationIds(source, included);
  const [one, other] = idsHere(
    ids.map(({ id }) => id),
    surroundings,
  );
  const readings = [one, other].flatMap((id) =>
    id === undefined ? [] : [readingOf(source, id, included)],
  );
  const [ours = readingOf(source, "", included), theirs] = readings;
  const view = viewOf(source.file, ours, theirs, wanted);
  const peerView = theirs && viewOf(source.file, theirs, ours, wanted);
  const moving = movingOf(
    view.instances.flatMap(({ addresses }) => addresses),
    surroundings,
  );
  const carried = moving.addresses.map(({ value }) => value);
  const around = without(surroundings, carried);
  const paths = pathsOf([mediaOf(view, peerView, around)], carried);
  const timers = timersOf(view.chosen.advert, undefined);
  const device = view.chosen.device;
  const service = device === undefined ? moving.interface : saidDevice(view.chosen);
  const node = (at: 0 | 1): SketchNode => ({
    name: nameOf(at === 0 ? one : other, ids.length),
    here: isHere(at === 0 ? one : other, at === 0 && ids.length === 0, view.chosen, around),
    interface: (at === 1 && peerView ? saidDevice(peerView.chosen) : undefined) ?? service,
    paths: at === 0 ? paths.first : paths.second,
    accessLogs: [],
    hints: paths.hints,
  });
  const nodes = [node(0), node(1)] as const;
  return {
    source: `from ${source.file}`,
    pair: pairOf(view.chosen),
    addresses: moving.addresses,
    domain: undefined,
    nodes: firstIsSecond(view.chosen, peerView?.chosen) ? [nodes[1], nodes[0]] : nodes,
    settings: { interval: timers.interval, deadTime: timers.deadTime },
    marks: { nodes: peerView === undefined ? orderMark(view.chosen) : undefined },
    remarks: sorted([
      ...view.remarks,
      ...(peerView?.remarks ?? []),
      ...moving.remarks,
      ...paths.remarks,
      ...timers.remarks,
      ...ids
        .filter(({ id }) => id !== one && id !== other)
        .map(({ id, place }) => remark(place, [`@${id}`], "failover pairs two machines", "")),
    ]),
  };
}

/** What one machine makes of the files. */
interface View {
  readonly chosen: Instance;
  /** The chosen one first; with it those whose addresses move together with its own. */
  readonly instances: readonly [Instance, ...Instance[]];
  readonly remarks: readonly Remark[];
}

interface Reading extends Machine {
  /** Of everything outside of instances. */
  readonly remarks: readonly Remark[];
}

function readingOf(source: SourceText, id: string, included: ReadIncluded): Reading {
  const { statements, remarks } = readTree(source, id, included);
  const named = (directive: string): readonly Statement[] =>
    statements.filter(({ words }) => words[0] === directive);
  return {
    instances: named("vrrp_instance").map(instanceOf),
    groups: named("vrrp_sync_group").map(syncGroupOf),
    remarks: [...remarks, ...statements.flatMap(aside)],
  };
}

function viewOf(
  file: string,
  machine: Reading,
  peer: Machine | undefined,
  wanted: string | undefined,
): View {
  const chosen = machine.instances.find(({ name }) => wanted === undefined || name === wanted);
  if (chosen === undefined) throw nothingToMove(file, machine.instances, wanted);
  const instances = [chosen, ...movingAlong(chosen, machine, peer)] as const;
  const apart = machine.instances.filter((instance) => !instances.includes(instance));
  return {
    chosen,
    instances,
    remarks: [
      ...machine.remarks,
      ...instances.flatMap(({ remarks }) => remarks),
      ...apart.map((instance) => apartRemark(instance, chosen)),
      ...tornGroups(instances, machine),
    ],
  };
}

function nothingToMove(
  file: string,
  instances: readonly Instance[],
  wanted: string | undefined,
): Failure {
  const names = instances.map(({ name }) => name).join(", ");
  const found =
    wanted === undefined || instances.length === 0
      ? "it has no vrrp_instance, so no address moves; a virtual_server balances load, which failover does not"
      : `it has no vrrp_instance ${wanted}; there are ${names}`;
  return new Failure(exitCodes.usage, `Cannot convert ${file}:1: ${found}`);
}

/** Everything outside of instances; of a group or a section each line that says something. */
function aside({ words, place, body }: Statement): Remark[] {
  const [directive = ""] = words;
  if (directive === "vrrp_instance") return [];
  if (directive === "global_defs" || directive === "global_definitions")
    return (body ?? []).map((inner) => explained(globalReasons, inner.place, inner.words));
  if (directive !== "vrrp_sync_group") return [explained(globalReasons, place, words)];
  return (body ?? [])
    .filter((inner) => inner.body === undefined && groupOwn.test(inner.words[0] ?? ""))
    .map((inner) => explained(instanceReasons, inner.place, inner.words));
}

/** What a vrrp_sync_group says beside the names of its instances. */
const groupOwn = /^(notify|smtp_alert|track_|global_tracking|sync_group_tracking)/;

/** The ids of the pair: this machine's first where it is one of them. */
function idsHere(
  ids: readonly string[],
  { hostname }: Surroundings,
): readonly [string | undefined, string | undefined] {
  const [first, second] = ids;
  if (first === undefined) return [undefined, undefined];
  // With lines for one machine only, the other is whoever is none of them.
  if (second === undefined) return [first, ""];
  if (!ids.includes(hostname)) return [first, second];
  return [hostname, ids.find((id) => id !== hostname)];
}

function nameOf(id: string | undefined, count: number): Said | undefined {
  const name = id === undefined || count === 0 ? undefined : nodeName.read(id);
  return name === undefined ? undefined : { value: name, origin: `@${name}` };
}

/** A file without conditional lines is the one of this machine, if it is of any. */
function isHere(
  id: string | undefined,
  only: boolean,
  { device }: Instance,
  { hostname, local }: Surroundings,
): boolean | undefined {
  if (only) return local.some(({ interface: name }) => name === device) ? true : undefined;
  return id === hostname ? true : undefined;
}

/** MASTER is at home on the machine that stands first; without the word, the higher priority is. */
function firstIsSecond(chosen: Instance, peer: Instance | undefined): boolean {
  if (peer !== undefined && peer.priority !== chosen.priority)
    return peer.priority > chosen.priority;
  return chosen.master === false && (peer === undefined || peer.master === true);
}

/** One machine's file says MASTER, or a priority that means nothing beside no other. */
function orderMark({ name, place, master, priority }: Instance): string | undefined {
  if (master === true) return undefined;
  const known = `${shortPlace(place)} says priority ${priority} for ${name}`;
  return `which node stands first (${known}; compare with the other machine's file)`;
}

function mediaOf(view: View, peerView: View | undefined, surroundings: Surroundings): Medium {
  const { chosen } = view;
  const theirs = peerView?.chosen.own ?? chosen.peers[0];
  const told = chosen.own ?? peerView?.chosen.peers[0];
  const local = chosen.device && ownAddress(surroundings, chosen.device, theirs?.address);
  const source: Known | undefined = theirs ?? told;
  const doubt =
    told === undefined ? ", and this machine's own address: correct it if it is not" : "";
  return {
    place: source?.place ?? chosen.devicePlace,
    words: source?.words ?? ["interface", chosen.device ?? "of no name"],
    device: chosen.device ?? "",
    ends: [told?.address ?? local, theirs?.address],
    doubt,
  };
}

function saidDevice({ device, devicePlace }: Instance): Said | undefined {
  return device === undefined ? undefined : { value: device, origin: shortPlace(devicePlace) };
}

/** `VI_1` becomes `vi-1`: a pair's name is a part of names of sockets and tables. */
function pairOf({ name, place }: Instance): Said | undefined {
  const value = pairName.read(
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .slice(0, 24),
  );
  return value === undefined ? undefined : { value, origin: shortPlace(place) };
}
