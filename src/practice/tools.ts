import { accessSync, constants, readdirSync } from "node:fs";

import { environment, run } from "./command.ts";

export interface Tool {
  readonly command: string;
  /** The Debian package that has it. */
  readonly package: string;
}

/** Without these there is no lab. */
export const labTools: readonly Tool[] = [
  { command: "ip", package: "iproute2" },
  { command: "ss", package: "iproute2" },
  { command: "nft", package: "nftables" },
  { command: "unshare", package: "util-linux" },
  { command: "nsenter", package: "util-linux" },
  { command: "mount", package: "mount" },
];

export function missingTools(tools: readonly Tool[]): Tool[] {
  return tools.filter(({ command }) => !isInstalled(command));
}

/** What an administrator types to have them. */
export function installCommand(tools: readonly Tool[]): string[] {
  const packages = [...new Set(tools.map((tool) => tool.package))];
  // Another of these may be at work beside this one.
  const patient = ["-o", "DPkg::Lock::Timeout=120"];
  return ["apt-get", "install", "-y", "--no-install-recommends", ...patient, ...packages];
}

/**
 * Installs what is missing where that is possible: as root, with apt. Tells every command that it
 * runs. Rejects with a sentence that says what to type instead.
 */
export async function ensureTools(
  tools: readonly Tool[],
  tell: (sentence: string) => void,
): Promise<void> {
  const missing = missingTools(tools);
  if (missing.length === 0) return;
  const names = missing.map(({ command }) => command).join(", ");
  const command = installCommand(missing);
  if (process.getuid?.() !== 0 || !isInstalled("apt-get")) {
    throw new Error(`Cannot find ${names}: install them as root: ${command.join(" ")}`);
  }
  tell(`${names} not found, so they are installed: ${command.join(" ")}`);
  if (noPackageLists()) await apt(["apt-get", "update"]);
  const failure = await apt(command);
  if (failure !== undefined) throw new Error(`Cannot install ${names}: ${failure}`);
}

async function apt(command: readonly string[]): Promise<string | undefined> {
  const result = await run(["env", "DEBIAN_FRONTEND=noninteractive", ...command]);
  return result.ok ? undefined : result.stderr.trim().split("\n").slice(-3).join("; ");
}

export function isInstalled(command: string): boolean {
  const directories = (environment()["PATH"] ?? "").split(":");
  return directories.some((directory) => {
    try {
      accessSync(`${directory}/${command}`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function noPackageLists(): boolean {
  try {
    return !readdirSync("/var/lib/apt/lists").some((name) => name.includes("_Packages"));
  } catch {
    return true;
  }
}
