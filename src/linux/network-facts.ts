import { readFile } from "node:fs/promises";

import { runCommand } from "./command.ts";
import { defaultGateways } from "./gateways.ts";
import { type IpAddress, parseAddress } from "./ip-address.ts";
import { NetlinkSocket } from "./netlink-socket.ts";

/** Facts about this machine for the command line: read once, never on the heart's thread. */

export interface LocalAddress {
  readonly interface: string;
  /** Canonical, without prefix length. */
  readonly address: string;
  readonly prefixLength: number;
  /** Seconds. */
  readonly validFor: number | "forever";
}

export interface InterfaceFacts {
  readonly name: string;
  readonly mac: string;
  readonly up: boolean;
  readonly carrier: boolean;
}

export interface ToolFacts {
  /** What the tool says of its version; undefined where it is not installed. */
  readonly ip: string | undefined;
  readonly nft: string | undefined;
}

export interface Capabilities {
  /** CAP_NET_ADMIN: addresses, nftables. */
  readonly netAdmin: boolean;
  /** CAP_NET_RAW: ARP, neighbour discovery, echo. */
  readonly netRaw: boolean;
}

/** Names of all network interfaces of this network namespace. */
export const localInterfaces = async (): Promise<readonly string[]> => {
  const text = await readFile("/proc/net/dev", "latin1");
  return text.split("\n").flatMap((line) => /^\s*([^\s:]+):/.exec(line)?.[1] ?? []);
};

/** Every address of every interface. */
export const localAddresses = async (): Promise<readonly LocalAddress[]> => {
  const names = await localInterfaces();
  return withRoute((route) =>
    names.flatMap((name) => {
      const link = route.link(name);
      const entries = link === undefined ? [] : route.addresses(link.index);
      if (typeof entries === "string") return [];
      return entries.map(({ address, prefixLength, validFor }) => {
        return { interface: name, address: address.text, prefixLength, validFor };
      });
    }),
  );
};

/** Undefined where there is no such interface. */
export const interfaceFacts = (name: string): InterfaceFacts | undefined =>
  withRoute((route) => {
    const link = route.link(name);
    return link && { name, mac: link.mac, up: link.up, carrier: link.carrier };
  });

/**
 * Whether a path that begins at `localPath` crosses the interface: the address is one of its own.
 */
export const pathCrosses = (
  device: string,
  localPath: string,
  addresses: readonly LocalAddress[],
): boolean => {
  const text = plain(localPath).text;
  return addresses.some((entry) => entry.interface === device && entry.address === text);
};

export const gatewaysOf = async (device: string): Promise<readonly string[]> =>
  (await defaultGateways(device)).map(({ text }) => text);

/** Effective capabilities of this process, from /proc/self/status. */
export const capabilities = async (): Promise<Capabilities> =>
  parseCapabilities(await readFile("/proc/self/status", "latin1"));

export const parseCapabilities = (status: string): Capabilities => {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  const has = (bit: bigint) => ((effective >> bit) & 1n) === 1n;
  return { netAdmin: has(12n), netRaw: has(13n) };
};

export const tools = async (): Promise<ToolFacts> => {
  const [ip, nft] = await Promise.all([versionOf("ip", "-V"), versionOf("nft", "-v")]);
  return { ip, nft };
};

const versionOf = async (file: string, flag: string): Promise<string | undefined> => {
  const result = await runCommand(file, [flag], 5000);
  return result.kind === "done" ? result.output.trim() : undefined;
};

const withRoute = <Result>(use: (route: NetlinkSocket) => Result): Result => {
  const route = new NetlinkSocket("route");
  try {
    return use(route);
  } finally {
    route.close();
  }
};

/** A link-local path carries its interface, `fe80::1%eth0`. */
const plain = (address: string): IpAddress => parseAddress(address.replace(/%.*$/, ""));
