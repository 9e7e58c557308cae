import type { Configuration } from "./configuration/configuration.ts";
import { ControlClient } from "./control-client.ts";
import { socketPath, stateDirectory } from "./places.ts";
import type { Status } from "./status.ts";

/** The options that every command of the administrator has. */
export interface Whereabouts {
  readonly config: string;
  readonly socket?: string;
  readonly stateDir?: string;
}

export async function socketAt(where: Whereabouts): Promise<string> {
  return where.socket ?? socketPath((await configurationAt(where)).pair);
}

/** Over a connection of its own: one that is kept while another follows may be closed as idle. */
export async function statusNow(socket: string): Promise<Status> {
  using agent = await ControlClient.connect(socket);
  return await agent.status();
}

export async function stateDirectoryAt(where: Whereabouts): Promise<string> {
  return where.stateDir ?? stateDirectory((await configurationAt(where)).pair);
}

export async function configurationAt(where: Whereabouts): Promise<Configuration> {
  // Lazily: a command that is told the socket starts twice as fast without YAML and convict.
  const { loadConfiguration } = await import("./configuration/load.ts");
  return loadConfiguration(where.config);
}
