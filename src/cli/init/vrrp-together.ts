import type { Statement } from "./keepalived-file.ts";
import type { Place } from "./place.ts";
import { remark } from "./remarks.ts";
import type { Remark } from "./sketch.ts";
import type { Instance } from "./vrrp.ts";

/** A vrrp_sync_group: when one of its instances leaves a machine, all of them do. */
export interface SyncGroup {
  readonly name: string;
  readonly place: Place;
  /** Names of instances. */
  readonly members: readonly string[];
}

/** `group { one two }`, one a line, or as in old files the names alone. */
export function syncGroupOf({ words, place, body }: Statement): SyncGroup {
  const members = (body ?? []).flatMap((inner) => {
    if (inner.words[0] === "group") return (inner.body ?? []).flatMap((line) => line.words);
    return inner.body === undefined && inner.words.length === 1 ? inner.words : [];
  });
  return { name: words[1] ?? "", place, members };
}

export interface Machine {
  readonly instances: readonly Instance[];
  readonly groups: readonly SyncGroup[];
}

/**
 * The others whose addresses move with the chosen one's: on its interface, and in a group with it or at
 * home on the same machine.
 */
export function movingAlong(
  chosen: Instance,
  { instances, groups }: Machine,
  peer: Machine | undefined,
): readonly Instance[] {
  const grouped = new Set(
    groups.filter(({ members }) => members.includes(chosen.name)).flatMap(({ members }) => members),
  );
  const home = homeOf(chosen, peer);
  return instances.filter(
    (instance) =>
      instance !== chosen &&
      instance.device === chosen.device &&
      (grouped.has(instance.name) || homeOf(instance, peer) === home),
  );
}

/**
 * The same text for two instances that are at home on one machine. Priorities decide that, and `state`
 * only until they are heard; but a priority says something beside the other machine's alone. Without
 * that, two instances of unlike priority may be the halves of an active/active pair.
 */
function homeOf({ name, priority, master }: Instance, peer: Machine | undefined): string {
  const theirs = peer?.instances.find((other) => other.name === name)?.priority;
  if (theirs !== undefined && theirs !== priority) return priority > theirs ? "here" : "there";
  return `${master === true ? "MASTER" : "BACKUP"} ${priority}`;
}

export function apartRemark({ name, place, device }: Instance, chosen: Instance): Remark {
  const because =
    device === chosen.device
      ? `a pair moves its addresses in one direction, and state or priority differ from ${chosen.name}'s`
      : "a pair moves the addresses of one interface";
  const instead = `make a second pair for it with --instance ${name}`;
  return remark(place, ["vrrp_instance", name], because, instead);
}

/** Groups of which a part is in the pair and a part is not: what they promise would end. */
export function tornGroups(
  inside: readonly Instance[],
  { instances, groups }: Machine,
): readonly Remark[] {
  const kept = inside.map(({ name }) => name);
  const known = instances.map(({ name }) => name);
  return groups.flatMap(({ name, place, members }) => {
    const stay = members.filter((member) => kept.includes(member));
    const lost = members.filter((member) => known.includes(member) && !kept.includes(member));
    if (stay.length === 0 || lost.length === 0) return [];
    const because = `${lost.join(", ")} would no longer move together with ${stay.join(", ")}`;
    const instead = "a second pair moves by itself, so see that each can do without the other";
    return [{ ...remark(place, ["vrrp_sync_group", name], because, instead), grave: true }];
  });
}
