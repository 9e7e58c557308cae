import { addressOf, type IpAddress } from "./ip-address.ts";
import { readLines } from "./proc-lines.ts";

/**
 * The default gateways reached through an interface, IPv4 first; none where the files cannot be
 * read.
 */
export const defaultGateways = async (device: string): Promise<readonly IpAddress[]> => {
  const found: IpAddress[] = [];
  const add = (gateway: IpAddress | undefined) => {
    const known = found.some((other) => other.text === gateway?.text);
    if (gateway !== undefined && !known) found.push(gateway);
  };
  try {
    await readLines("/proc/net/route", (line) => {
      const route = parseRoute(line);
      if (route?.device === device && route.isDefault) add(route.gateway);
      // The kernel lists routes by their destination, 0.0.0.0 first: a full table is not read to
      // its end.
      return route === undefined || route.toZero ? "more" : "enough";
    });
    await readLines("/proc/net/ipv6_route", (line) => {
      const route = parseIpv6Route(line);
      if (route?.device === device) add(route.gateway);
      return "more";
    });
  } catch {
    // A kernel without IPv6 has no such file.
  }
  return found;
};

const routeFlags = { up: 1, gateway: 2 } as const;

/**
 * A line of /proc/net/route: interface, destination, gateway, flags, reference count, use, metric,
 * mask, …; addresses as hexadecimal numbers of the machine's byte order, which is little-endian.
 */
export const parseRoute = (
  line: string,
): { device: string; toZero: boolean; isDefault: boolean; gateway: IpAddress } | undefined => {
  const [device = "", destination = "", gateway = "", flags = "", , , , mask] = line.split("\t");
  if (!/^[0-9A-F]{8}$/.test(destination) || !/^[0-9A-F]{8}$/.test(gateway)) return undefined;
  const wanted = routeFlags.up | routeFlags.gateway;
  return {
    device,
    toZero: destination === "00000000",
    isDefault: destination === "00000000" && mask === "00000000" && has(flags, wanted),
    gateway: addressOf(Buffer.from(gateway, "hex").reverse()),
  };
};

/**
 * A line of /proc/net/ipv6_route: destination, its length, source, its length, next hop, metric,
 * reference count, use, flags, interface. Undefined for all but default routes through a gateway.
 */
export const parseIpv6Route = (
  line: string,
): { device: string; gateway: IpAddress } | undefined => {
  const columns = line.trim().split(/\s+/);
  const [destination, length, , , gateway = "", , , , flags = "", device = ""] = columns;
  if (destination !== "0".repeat(32) || length !== "00") return undefined;
  if (!/^[0-9a-f]{32}$/.test(gateway)) return undefined;
  if (!has(flags, routeFlags.up | routeFlags.gateway)) return undefined;
  return { device, gateway: addressOf(Buffer.from(gateway, "hex")) };
};

const has = (flags: string, wanted: number): boolean =>
  (Number.parseInt(flags, 16) & wanted) === wanted;
