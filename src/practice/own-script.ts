import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

const fromSource = import.meta.url.endsWith(".ts");

/**
 * The command that runs another script of this folder in a process of its own: compiled beside us in
 * production, through tsx when we ourselves run from source.
 */
export function ownScript(name: string, ...args: readonly string[]): string[] {
  const path = fileURLToPath(new URL(`./${name}${fromSource ? ".ts" : ".js"}`, import.meta.url));
  return [process.execPath, ...loader(), path, ...args];
}

/** Where a machine of the lab has what the agent needs. */
export const agentFiles = {
  configuration: "/run/etc/failover.yaml",
  key: "/run/etc/key",
  socket: "/run/failover/www.sock",
  state: "/run/lib/failover",
} as const;

/** The agent's own command line. Always the compiled one: it is what is rehearsed. */
export function failoverCommand(): string[] {
  const path = fromSource ? "../../dist/cli/main.js" : "../cli/main.js";
  return [process.execPath, fileURLToPath(new URL(path, import.meta.url))];
}

function loader(): string[] {
  if (!fromSource) return [];
  const tsx = createRequire(import.meta.url).resolve("tsx");
  return ["--import", pathToFileURL(tsx).href];
}
