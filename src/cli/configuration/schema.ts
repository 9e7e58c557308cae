import {
  canarySchemes,
  logLevels,
  type ServiceAddress,
  swapModes,
  takeovers,
  type WitnessChoice,
} from "./configuration.ts";
import {
  absolutePath,
  duration,
  either,
  hostName,
  integer,
  interfaceName,
  ipAddress,
  namePattern,
  oneOf,
  packageName,
  pairName,
  rate,
  requestPath,
  route,
  shellCommand,
  statusRange,
  wholeSeconds,
} from "./formats.ts";
import { logFormat } from "./log-format.ts";
import { list, type Reader, type SettingMaker, text } from "./settings.ts";

/**
 * The file without `nodes`, whose keys are names. Defaults stand here as an administrator writes
 * them.
 */
export const rootSchema = ({ required, optional, defaulted }: SettingMaker) => ({
  pair: required(text(pairName)),
  address: required(list(serviceAddress, { least: 1, most: 1024, of: "IP addresses" })),
  routes: defaulted(null, list(text(route), { least: 0, most: 1024, of: "routes" })),
  domain: optional(text(hostName)),
  key: required(text(absolutePath)),
  takeover: defaulted("address", text(oneOf(takeovers))),
  port: defaulted("694", text(integer(1, 65_535))),
  interval: defaulted("100ms", text(duration("10ms", "10s"))),
  deadTime: defaulted("300ms", text(duration("13ms", "5m"))),
  confirmTime: defaulted("100ms", text(duration("10ms", "1m"))),
  lease: defaulted("2s", text(wholeSeconds("2s", "5m"))),
  bootTime: defaulted("5s", text(duration("0s", "10m"))),
  witness: defaulted("auto", witness),
  announceRate: defaulted("500", text(integer(1, 100_000))),
  logFormat: defaulted("auto", logFormat),
  swap: {
    mode: defaulted("drain", text(oneOf(swapModes))),
    steps: defaulted("100%", list(text(rate), { least: 1, most: 100, of: "rates" })),
    minRequests: defaulted("10", text(integer(1, 1_000_000))),
    maxErrorRate: defaulted("1%", text(rate)),
    verifyTime: defaulted("30s", text(duration("1s", "60m"))),
    drainTime: defaulted("60s", text(duration("0s", "1440m"))),
  },
  hooks: {
    drain: optional(text(shellCommand)),
  },
  canary: {
    scheme: defaulted("http", text(oneOf(canarySchemes))),
    /** `auto`: 80, and 443 for https. */
    port: defaulted("auto", text(either("auto", integer(1, 65_535)))),
    path: defaulted("/", text(requestPath)),
    expect: defaulted("200-399", text(statusRange)),
  },
  drift: {
    paths: defaulted(null, list(text(absolutePath), { least: 0, most: 256, of: "absolute paths" })),
    packages: defaulted(null, list(text(packageName), { least: 0, most: 1024, of: "packages" })),
    ignore: defaulted(null, list(text(namePattern), { least: 0, most: 256, of: "patterns" })),
  },
  log: {
    level: defaulted("info", text(oneOf(logLevels))),
    file: optional(text(absolutePath)),
  },
});

/** One entry of `nodes`. */
export const nodeSchema = ({ required, defaulted }: SettingMaker) => ({
  interface: required(text(interfaceName)),
  paths: required(list(text(ipAddress), { least: 1, most: 8, of: "IP addresses" })),
  accessLog: defaulted(
    "/var/log/nginx/access.log",
    list(text(absolutePath), { least: 1, most: 64, of: "absolute paths of files" }),
  ),
});

/**
 * `203.0.113.10`, or `{ address: 203.0.113.10, interface: eth1 }` where it is not the node's own.
 */
function serviceAddress(
  raw: unknown,
  refuse: Parameters<Reader<ServiceAddress>>[1],
): ServiceAddress | undefined {
  if (typeof raw !== "object" || raw === null) {
    const address = text(ipAddress)(raw, refuse);
    return address === undefined ? undefined : { address, interface: undefined };
  }
  const { address, interface: device, ...others } = raw as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(others)) {
    refuse(`.${key}`, "an unknown key", "address or interface");
  }
  const read = {
    address: text(ipAddress)(address, (_, found, allowed) => refuse(".address", found, allowed)),
    interface: text(interfaceName)(device, (_, found, allowed) =>
      refuse(".interface", found, allowed),
    ),
  };
  if (read.address === undefined || read.interface === undefined) return undefined;
  return Object.keys(others).length > 0 ? undefined : { ...read, address: read.address };
}

function witness(
  raw: unknown,
  refuse: Parameters<Reader<WitnessChoice>>[1],
): WitnessChoice | undefined {
  if (raw === "auto" || raw === "none") return { kind: raw };
  if (!Array.isArray(raw)) {
    const address = text(either("auto", either("none", ipAddress)))(raw, refuse);
    return address === undefined ? undefined : { kind: "addresses", addresses: [address] };
  }
  const addresses = list(text(ipAddress), { least: 1, most: 16, of: "IP addresses" })(raw, refuse);
  return addresses === undefined ? undefined : { kind: "addresses", addresses };
}
