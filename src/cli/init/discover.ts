import { access, readFile } from "node:fs/promises";
import { hostname, networkInterfaces } from "node:os";

import { runCommand } from "../../linux/command.ts";
import { defaultGateways } from "../../linux/gateways.ts";
import { parseAddress } from "../../linux/ip-address.ts";
import { ipAddress } from "../configuration/formats.ts";
import type { Said, Sketch } from "./sketch.ts";
import type { LocalPlace, Surroundings } from "./surroundings.ts";
import {
  apacheLogs,
  apacheTold,
  canaryFor,
  logFormatFor,
  nginxLogs,
  usualLogs,
  webListeners,
} from "./web-server.ts";

/** Commands that hang are no reason not to write a file. */
const commandMillisMax = 5000;

export async function surroundingsHere(): Promise<Surroundings> {
  const local = Object.entries(networkInterfaces()).flatMap(([name, entries]) =>
    (entries ?? []).flatMap(({ internal, address, cidr }): LocalPlace[] => {
      if (internal || ipAddress.read(address) === undefined) return [];
      const prefixLength = Number(cidr?.split("/")[1] ?? 0);
      return [{ interface: name, address: parseAddress(address).text, prefixLength }];
    }),
  );
  const names = [...new Set(local.map((place) => place.interface))];
  const routed = await Promise.all(names.map((name) => defaultGateways(name)));
  const outward = new Set(names.filter((_, at) => (routed[at] ?? []).length > 0));
  const rank = (place: LocalPlace): number => (outward.has(place.interface) ? 0 : 1);
  return {
    hostname: hostname().split(".")[0] ?? "",
    local: local.sort((one, other) => rank(one) - rank(other)),
  };
}

/**
 * What is to be decided about `witness: auto`, which is the gateway of the service's interface;
 * undefined: there is one, or this is no machine of the pair.
 */
export async function witnessMark({ nodes, settings }: Sketch): Promise<string | undefined> {
  const device = nodes.find(({ here }) => here === true)?.interface?.value;
  if (device === undefined || settings.witness !== undefined) return undefined;
  if ((await defaultGateways(device)).length > 0) return undefined;
  return `${device} has no gateway, so auto is no witness: list addresses that answer there, or none`;
}

export interface FoundWeb {
  readonly accessLogs: readonly Said[];
  /** Undefined: one that `auto` knows. */
  readonly logFormat: Said | undefined;
  readonly canary: Said | undefined;
}

/** The web server that runs here, and where it writes; nothing where none does. */
export async function webServerHere(): Promise<FoundWeb> {
  const ss = await runCommand("ss", ["-Hltnp"], commandMillisMax);
  const listeners = webListeners(ss.kind === "done" ? ss.output : "");
  const [listener] = listeners;
  if (listener === undefined) return { accessLogs: [], logFormat: undefined, canary: undefined };
  const { program, port } = listener;
  const canary = canaryFor(listeners);
  const format = logFormatFor(program);
  return {
    accessLogs: await logsOf(program),
    logFormat: format === undefined ? undefined : { value: format, origin: `as ${program} writes` },
    canary:
      canary === undefined ? undefined : { value: canary, origin: `${program} is at port ${port}` },
  };
}

async function logsOf(program: string): Promise<readonly Said[]> {
  const named = await namedLogs(program);
  if (named.length > 0) return named;
  const usual = usualLogs[program] ?? [];
  const there = await Promise.all(usual.map(exists));
  return usual
    .filter((_, at) => there[at])
    .map((value) => ({ value, origin: `the usual place of ${program}` }));
}

/** Where the server itself says that it writes. */
async function namedLogs(program: string): Promise<readonly Said[]> {
  if (program === "nginx") {
    const told = await runCommand("nginx", ["-T"], commandMillisMax);
    const files = told.kind === "done" ? nginxLogs(told.output) : [];
    return files.map((value) => ({ value, origin: "nginx -T names it" }));
  }
  if (program !== "apache2" && program !== "httpd") return [];
  // Debian's apache2 needs the environment that apache2ctl gives it.
  const command = program === "apache2" ? "apache2ctl" : program;
  const dumps = ["-t", "-D", "DUMP_INCLUDES", "-D", "DUMP_RUN_CFG"];
  const output = await runCommand(command, dumps, commandMillisMax);
  if (output.kind !== "done") return [];
  const told = apacheTold(output.output);
  const texts = await Promise.all(
    told.files.map((file) => readFile(file, "latin1").catch(() => "")),
  );
  const origin = "CustomLog names it";
  return apacheLogs(texts.join("\n"), told).map((value) => ({ value, origin }));
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}
