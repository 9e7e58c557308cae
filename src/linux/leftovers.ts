import { commandLine, runCommand } from "./command.ts";
import { openScript } from "./door.ts";
import { hostPrefix, type IpAddress, parseAddress } from "./ip-address.ts";
import { tableName } from "./mute.ts";
import { marked, placeOf, readOwnRoutes } from "./own-routes.ts";
import type { KernelAddress } from "./netlink.ts";
import { NetlinkSocket } from "./netlink-socket.ts";
import { interfaceFacts, localInterfaces } from "./network-facts.ts";

/** What an agent that starts finds in the kernel from the one before. */
export interface Leftovers {
  /**
   * Every address is on the interface with a lifetime: the last agent held, and its lease still
   * runs.
   */
  readonly leased: boolean;
  /**
   * Addresses on the interface without a lifetime, as `ip` prints them. Nobody's lease ends them:
   * somebody put them into the machine's own network configuration, where they must not be.
   */
  readonly permanent: readonly string[];
}

/**
 * Looks, and touches nothing. Some tens of microseconds; throws where netlink does not work at all.
 */
export const lookForLeftovers = (device: string, addresses: readonly string[]): Leftovers => {
  const ours = addresses.map(parseAddress);
  const entries = entriesOn(device).filter(({ address }) =>
    ours.some(({ text }) => text === address.text),
  );
  const leased = (address: IpAddress) =>
    entries.some((entry) => entry.address.text === address.text && entry.validFor !== "forever");
  return {
    leased: ours.length > 0 && ours.every(leased),
    permanent: entries.filter(({ validFor }) => validFor === "forever").map(cidr),
  };
};

/** A command that was run, as an administrator would type it, and what came of it. */
export interface CleanupStep {
  readonly line: string;
  /** A sentence where it failed. */
  readonly failure: string | undefined;
}

/**
 * Removes everything recognisable as ours, without an agent: the given addresses where they have a
 * lifetime, wherever they are; where they stand on `lo`; the pair's tables in every family of
 * nftables. What is not there needs no command, so a second time does nothing. `handover` is spared where
 * connections still depend on it: the address on `lo`, and the tables.
 */
export const cleanup = async (
  pair: string,
  addresses: readonly string[],
  spared: "nothing" | "handover" = "nothing",
): Promise<readonly CleanupStep[]> => {
  const ours = new Set(addresses.map((text) => parseAddress(text).text));
  const steps: CleanupStep[] = [];
  const run = async (file: string, args: readonly string[]): Promise<void> => {
    const result = await runCommand(file, args, patienceMillis);
    const failure = result.kind === "failed" ? result.reason : undefined;
    steps.push({ line: commandLine(file, args), failure });
  };
  // The address goes first: it is what another machine is waiting for.
  for (const device of await localInterfaces()) {
    for (const entry of entriesOn(device).filter(({ address }) => ours.has(address.text))) {
      const silent = device === "lo" && entry.prefixLength === hostPrefix(entry.address);
      if (silent && spared === "handover") continue;
      if (silent || entry.validFor !== "forever") {
        await run("ip", ["addr", "del", cidr(entry), "dev", device]);
      }
    }
  }
  if (spared === "handover") return steps;
  const tables = await runCommand("nft", ["list", "tables"], patienceMillis);
  // Where nft is not installed, no table of ours can be.
  if (tables.kind === "failed" && !tables.reason.includes("ENOENT")) {
    steps.push({ line: "nft list tables", failure: tables.reason });
  } else if (tables.kind === "done") {
    for (const family of familiesOf(tableName(pair), tables.output)) {
      await run("nft", ["delete", "table", family, tableName(pair)]);
    }
  }
  return steps;
};

/** The routes of an address that is not held here, as far as an agent put them there. */
export const removeRoutes = async (routes: readonly string[]): Promise<readonly CleanupStep[]> => {
  if (routes.length === 0) return [];
  const there = await readOwnRoutes(routes);
  if (typeof there === "string") return [{ line: "ip route show", failure: there }];
  const steps: CleanupStep[] = [];
  for (const route of routes.filter((one) => there.has(placeOf(one))).toReversed()) {
    const args = ["route", "del", ...marked(route).split(" ")];
    const result = await runCommand("ip", args, patienceMillis);
    const failure = result.kind === "failed" ? result.reason : undefined;
    steps.push({ line: commandLine("ip", args), failure });
  }
  return steps;
};

/** The interface that is taken over as a whole: down where nobody holds. */
export const putDown = async (device: string): Promise<readonly CleanupStep[]> => {
  if (interfaceFacts(device)?.up !== true) return [];
  const args = ["link", "set", "dev", device, "down"];
  const result = await runCommand("ip", args, patienceMillis);
  const failure = result.kind === "failed" ? result.reason : undefined;
  return [{ line: commandLine("ip", args), failure }];
};

/** A holder that goes on holding lets new connections in, whatever its last agent was about to do. */
export const openDoor = async (pair: string): Promise<void> => {
  await runCommand("nft", [openScript(tableName(pair))], patienceMillis);
};

const patienceMillis = 5000;

const cidr = ({ address, prefixLength }: KernelAddress): string =>
  `${address.text}/${prefixLength}`;

const entriesOn = (device: string): readonly KernelAddress[] => {
  const route = new NetlinkSocket("route");
  try {
    const link = route.link(device);
    const entries = link === undefined ? [] : route.addresses(link.index);
    return typeof entries === "string" ? [] : entries;
  } finally {
    route.close();
  }
};

/** Lines of `nft list tables`: `table arp failover_www`. */
const familiesOf = (table: string, output: string): readonly string[] =>
  output.split("\n").flatMap((line) => {
    const [, family, name] = line.trim().split(" ");
    return name === table && family !== undefined ? [family] : [];
  });
