import { access } from "node:fs/promises";
import { hostname, networkInterfaces } from "node:os";

import { runCommand } from "../../linux/command.ts";
import { defaultGateways } from "../../linux/gateways.ts";
import { parseAddress } from "../../linux/ip-address.ts";
import { ipAddress } from "../configuration/formats.ts";
import type { Said } from "./sketch.ts";
import type { LocalPlace, Surroundings } from "./surroundings.ts";
import { canaryFor, nginxLogs, usualLogs, webListeners } from "./web-server.ts";

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

export interface FoundWeb {
  readonly accessLogs: readonly Said[];
  readonly canary: Said | undefined;
}

/** The web server that runs here, and where it writes; nothing where none does. */
export async function webServerHere(): Promise<FoundWeb> {
  const ss = await runCommand("ss", ["-Hltnp"], commandMillisMax);
  const listeners = webListeners(ss.kind === "done" ? ss.output : "");
  const [listener] = listeners;
  if (listener === undefined) return { accessLogs: [], canary: undefined };
  const { program, port } = listener;
  const canary = canaryFor(listeners);
  return {
    accessLogs: await logsOf(program),
    canary:
      canary === undefined ? undefined : { value: canary, origin: `${program} is at port ${port}` },
  };
}

async function logsOf(program: string): Promise<readonly Said[]> {
  if (program === "nginx") {
    const told = await runCommand("nginx", ["-T"], commandMillisMax);
    const files = told.kind === "done" ? nginxLogs(told.output) : [];
    if (files.length > 0) return files.map((value) => ({ value, origin: "nginx -T names it" }));
  }
  const usual = usualLogs[program] ?? [];
  const there = await Promise.all(usual.map(exists));
  return usual
    .filter((_, at) => there[at])
    .map((value) => ({ value, origin: `the usual place of ${program}` }));
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}
