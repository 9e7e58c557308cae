import { readdir, readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";

import type { Configuration } from "./configuration/configuration.ts";
import { pairName } from "./configuration/formats.ts";
import { ControlClient } from "./control-client.ts";
import { Failure } from "./failure.ts";
import { socketPath, stateDirectory } from "./places.ts";
import type { Status } from "./status.ts";

/** The options that every command of the administrator has. */
export interface Whereabouts {
  readonly config: string;
  readonly socket?: string;
  readonly stateDir?: string;
}

export async function socketAt(where: Whereabouts): Promise<string> {
  return where.socket ?? socketPath(await pairAt(where));
}

/** Over a connection of its own: one that is kept while another follows may be closed as idle. */
export async function statusNow(socket: string): Promise<Status> {
  using agent = await ControlClient.connect(socket);
  return await agent.status();
}

export async function stateDirectoryAt(where: Whereabouts): Promise<string> {
  return where.stateDir ?? stateDirectory(await pairAt(where));
}

export async function configurationAt(where: Whereabouts): Promise<Configuration> {
  // Lazily: a command that is told the socket starts twice as fast without YAML and convict.
  const { loadConfiguration } = await import("./configuration/load.ts");
  return loadConfiguration(where.config);
}

/**
 * An agent outlives the file that it was started with, and what it says of one that was spoilt meanwhile is
 * wanted: the fault goes to the standard error, and the agent is asked all the same.
 */
async function pairAt(where: Whereabouts): Promise<string> {
  try {
    return (await configurationAt(where)).pair;
  } catch (error) {
    const pair = error instanceof Failure ? await pairWithout(where) : undefined;
    if (!(error instanceof Failure) || pair === undefined) throw error;
    process.stderr.write(
      `failover: ${error.message}\nGoing on with the pair ${pair} all the same\n`,
    );
    return pair;
  }
}

/**
 * Without the configuration: what the file still says, or the socket's name, or the only pair that this machine
 * ever had.
 */
export async function pairWithout({ config, socket }: Whereabouts): Promise<string | undefined> {
  const text = await readFile(config, "utf8").catch(() => "");
  const told = /^pair:\s*["']?([^\s"'#]+)/m.exec(text)?.[1] ?? "";
  const named = pairName.read(told) ?? (socket && pairName.read(basename(socket, ".sock")));
  if (named !== undefined) return named;
  const [only, ...others] = await readdir(dirname(stateDirectory("pair"))).catch(() => []);
  return only === undefined || others.length > 0 ? undefined : pairName.read(only);
}
