import { createHash } from "node:crypto";
import { release } from "node:os";

import { greaterSetting, kernelSetting } from "../../linux/kernel-settings.ts";
import { type Listening, listeners } from "../../linux/listeners.ts";
import { type LocalAddress, localAddresses } from "../../linux/network-facts.ts";
import { installedPackages } from "../../linux/packages.ts";
import type { Configuration, NodeConfiguration } from "../configuration/configuration.ts";
import { configurationDigest } from "../configuration/digest.ts";
import { sidesOf } from "../configuration/node-here.ts";
import { version } from "../version.ts";
import { servedCertificate } from "./certificate.ts";
import { configurationFact, type Fact, type Fingerprint } from "./fingerprint.ts";
import { ignoring } from "./ignored.ts";
import { treeFacts } from "./tree.ts";

/** Reads every listed file to its end: for a process of its own, never for the heart's. */
export async function gatherFingerprint(
  configuration: Configuration,
  node: string,
): Promise<Fingerprint> {
  const { pair, drift } = configuration;
  const { here } = sidesOf(configuration, node);
  const ignored = ignoring(drift.ignore);
  const local = await localAddresses();
  const facts: Fact[] = [
    { kind: "failover", name: "version", value: version() },
    { kind: "failover", name: configurationFact, value: configurationDigest(configuration) },
    ...(await packageFacts(drift.packages)),
  ];
  // One after the other: a disk that serves users as well has better things to do.
  for (const path of drift.paths) facts.push(...(await treeFacts(path, ignored)));
  facts.push(
    ...portFacts((await listeners()) ?? [], configuration, local, await ephemeralPorts()),
    ...(await certificateFacts(configuration, here)),
    ...(await kernelFactsOf(here.interface)),
  );
  const unique = new Map(facts.map((fact) => [`${fact.kind} ${fact.name}`, fact]));
  return {
    pair,
    node,
    at: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
    facts: [...unique.values()].filter(({ name }) => !ignored(name)),
  };
}

async function packageFacts(names: readonly string[]): Promise<readonly Fact[]> {
  if (names.length === 0) return [];
  const installed = await installedPackages();
  return names.map((name) => ({
    kind: "package",
    name,
    value: typeof installed === "string" ? installed : (installed.get(name) ?? "not installed"),
  }));
}

/**
 * A service that listens on an address of its own machine does the same there as here: the interface stands for
 * it. Those of the pair are the same on both. UDP ports that the kernel hands out are somebody's questions.
 */
export function portFacts(
  found: readonly Listening[],
  { addresses }: Configuration,
  local: readonly LocalAddress[],
  ephemeral: { readonly from: number; readonly to: number },
): readonly Fact[] {
  const moving = new Set(addresses.map(({ address }) => address));
  const place = (address: string): string => {
    const own = local.find((one) => one.address === address && one.interface !== "lo");
    return own === undefined || moving.has(address) ? address : `<${own.interface}>`;
  };
  const programs = new Map<string, Set<string>>();
  for (const { protocol, address, port, programs: names } of found) {
    if (protocol === "udp" && port >= ephemeral.from && port <= ephemeral.to) continue;
    const name = `${protocol} ${place(address)}:${port}`;
    const known = programs.get(name) ?? new Set();
    for (const program of names) known.add(program);
    programs.set(name, known);
  }
  return [...programs].map(([name, names]) => ({
    kind: "port",
    name,
    value: [...names].sort().join(", ") || "a program that is not known",
  }));
}

async function ephemeralPorts(): Promise<{ readonly from: number; readonly to: number }> {
  const range = await kernelSetting(["net", "ipv4", "ip_local_port_range"]);
  const [from = 32_768, to = 60_999] = (range ?? "").split(" ").filter(Boolean).map(Number);
  return { from, to };
}

async function certificateFacts(
  configuration: Configuration,
  here: NodeConfiguration,
): Promise<readonly Fact[]> {
  const found = await servedCertificate(configuration, here);
  if (found === undefined) return [];
  const value =
    found.kind === "unknown"
      ? `cannot be read: ${found.reason}`
      : `${found.subject} until ${found.until.toISOString().slice(0, 10)}, ${found.sha256}`;
  return [{ kind: "certificate", name: `port ${configuration.canary.port}`, value }];
}

/** What decides how a machine bears the other's load, and which connections it takes. */
const settings: readonly (readonly string[])[] = [
  ["net", "core", "somaxconn"],
  ["net", "ipv4", "ip_forward"],
  ["net", "ipv4", "ip_local_port_range"],
  ["net", "ipv4", "ip_nonlocal_bind"],
  ["net", "ipv4", "tcp_congestion_control"],
  ["net", "ipv4", "tcp_fastopen"],
  ["net", "ipv4", "tcp_fin_timeout"],
  ["net", "ipv4", "tcp_max_syn_backlog"],
  ["net", "ipv4", "tcp_syncookies"],
  ["net", "ipv4", "tcp_timestamps"],
  ["net", "ipv4", "tcp_tw_reuse"],
  ["net", "netfilter", "nf_conntrack_max"],
];

async function kernelFactsOf(device: string): Promise<readonly Fact[]> {
  const kernel = (name: string, value: string): Fact => ({ kind: "kernel", name, value });
  const key = await kernelSetting(["net", "ipv4", "tcp_fastopen_key"]);
  return [
    kernel("release", release()),
    ...(await Promise.all(
      settings.map(async (parts) =>
        kernel(parts.join("."), (await kernelSetting(parts)) ?? "not there"),
      ),
    )),
    kernel("rp_filter of the service interface", String(await greaterSetting(device, "rp_filter"))),
    // Cookies of the one machine are worth nothing on the other unless the keys are the same. A secret.
    kernel("net.ipv4.tcp_fastopen_key", key === undefined ? "not there" : sha256(key)),
  ];
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
