import { setPriority } from "node:os";

import type { Event } from "../../core/event.ts";
import type { Start } from "../../core/state.ts";
import { now } from "../../linux/alarm-clock.ts";
import { hmacSha256 } from "../../linux/hmac.ts";
import { cleanup, lookForLeftovers, openDoor, removeRoutes } from "../../linux/leftovers.ts";
import { capabilities, interfaceFacts, localAddresses, tools } from "../../linux/network-facts.ts";
import { type KeyRing, keyRing } from "../../protocol/keys.ts";
import type { Configuration, NodeConfiguration } from "../configuration/configuration.ts";
import { nodeHere } from "../configuration/node-here.ts";
import { exitCodes, Failure, reasonOf } from "../failure.ts";
import { readJournal } from "../journal.ts";
import { readKeyFile } from "../key-file.ts";
import { obstacleToHandingOver } from "../obstacle.ts";

/**
 * Everything an agent must know or do before its first beat; from then on nothing is waited for.
 */

/**
 * Without these no takeover works, so it is better not to start than to be a standby that cannot
 * take.
 */
export async function requireTools(): Promise<void> {
  const { netAdmin, netRaw } = await capabilities();
  const { ip, nft } = await tools();
  const missing = [
    ...(ip === undefined ? ["the command ip (apt-get install iproute2)"] : []),
    ...(nft === undefined ? ["the command nft (apt-get install nftables)"] : []),
    ...(netAdmin ? [] : ["the capability CAP_NET_ADMIN (run as root, or under the systemd unit)"]),
    ...(netRaw ? [] : ["the capability CAP_NET_RAW (run as root, or under the systemd unit)"]),
  ];
  if (missing.length === 0) return;
  throw new Failure(exitCodes.usage, `Cannot run an agent here: missing ${missing.join("; ")}`);
}

/** The key file has the newest first, which signs; a ring has it last. */
export async function readKeyRing(file: string): Promise<KeyRing> {
  const keys = await readKeyFile(file);
  return keyRing(keys.map(({ id, bytes }) => ({ id, mac: hmacSha256(bytes) })).reverse());
}

export async function nodeName(configuration: Configuration, given: string | undefined) {
  if (given !== undefined) return given;
  const addresses = await localAddresses();
  return nodeHere(
    configuration,
    addresses.map(({ address }) => address),
  );
}

export interface Found {
  readonly start: Start;
  /** What the last agent held, and this one goes on holding. */
  readonly adopted: Event | undefined;
  readonly sentences: readonly string[];
}

/**
 * What an earlier agent left behind, on the disk and in the kernel. An address whose lease still runs and
 * that the journal of this boot says is held is adopted; everything else of ours is removed.
 */
export async function findAndClean(
  configuration: Configuration,
  here: NodeConfiguration,
  stateDirectory: string,
  bootId: string,
): Promise<Found> {
  const addresses = configuration.addresses.map(({ address }) => address);
  const { permanent } = lookForLeftovers(here.interface, addresses);
  if (permanent.length > 0) throw permanentFailure(here.interface, permanent);
  const found = await readJournal(stateDirectory);
  const { held, former } = compare(addresses, found.kind === "found" ? found.record.addresses : []);
  const journalled = found.kind === "found" ? found.record.routes : [];
  const formerRoutes = journalled.filter((route) => !configuration.routes.includes(route));
  const { leased } = lookForLeftovers(here.interface, held);
  const entry = found.kind === "found" ? found.record.entry : undefined;
  const sameBoot = found.kind === "found" && found.record.bootId === bootId;
  const adopts = sameBoot && leased && entry?.holding === true;
  const swap = sameBoot ? entry?.swap : undefined;
  const resumes = adopts ? undefined : swap;
  const spared = swap === undefined ? "nothing" : "handover";
  const steps = [
    ...(adopts ? [] : await cleanup(configuration.pair, addresses, spared)),
    // The configuration was changed in between: nobody would take them away before their lease does.
    ...(former.length > 0 ? await cleanup(configuration.pair, former, "handover") : []),
    // Those that are still named are the host's, which knows whether the address is here.
    ...(await removeRoutes(formerRoutes)),
  ];
  if (adopts) await openDoor(configuration.pair);
  const obstacle = await obstacleToHandingOver(configuration, here);
  const unknown = "00:00:00:00:00:00";
  return {
    start: {
      at: now(),
      mac: interfaceFacts(here.interface)?.mac || unknown,
      epoch: entry?.epoch ?? 0,
      released: sameBoot && entry?.released === true,
      freeze: entry?.freeze ?? { on: false, stamp: 0 },
      diverts: obstacle === undefined,
    },
    adopted:
      adopts && entry !== undefined
        ? { kind: "adopted", epoch: entry.epoch, blind: entry.blind, swap }
        : resumes
          ? { kind: "resumed", swap: resumes }
          : undefined,
    sentences: [
      ...(found.kind === "none" && found.reason !== undefined ? [found.reason] : []),
      ...(resumes ? [`Swap ${resumes.id} is not over: connections of it are still served`] : []),
      ...(adopts ? ["The address is still leased to this machine: going on holding it"] : []),
      ...(obstacle === undefined || configuration.swap.mode === "cut"
        ? []
        : [`Planned swaps will be in cut mode, because ${obstacle}`]),
      ...steps.map(({ line, failure }) => `Removed what was left behind: ${failure ?? line}`),
    ],
  };
}

/**
 * What the last agent had, against the list of this one: those that are still named are held or not, those
 * that are new say nothing. A journal without addresses, of an older version, had all of them.
 */
function compare(addresses: readonly string[], journalled: readonly string[]) {
  const had = new Set(journalled.length > 0 ? journalled : addresses);
  const held = addresses.filter((address) => had.has(address));
  const has = new Set(addresses);
  return { held, former: [...had].filter((address) => !has.has(address)) };
}

function permanentFailure(device: string, addresses: readonly string[]): Failure {
  const commands = addresses.map((address) => `ip addr del ${address} dev ${device}`).join("; ");
  return new Failure(
    exitCodes.usage,
    `Cannot move ${addresses.join(", ")}: configured on ${device} for good, so both machines would have it; take it out of the network configuration, then: ${commands}`,
  );
}

/** Ahead of everything that computes. Returns why not, where it cannot be. */
export function raisePriority(): string | undefined {
  try {
    setPriority(-20);
    return undefined;
  } catch (error) {
    return `Cannot run at nice -20, so a busy machine may delay beats: ${reasonOf(error)}`;
  }
}
