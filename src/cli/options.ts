import { type Command, Option } from "commander";

import { defaultConfigurationFile } from "./places.ts";

/** Every command of the administrator can be told where things are. */
export function administrative(command: Command): Command {
  return command
    .option("--config <file>", "the configuration", defaultConfigurationFile)
    .option("--socket <path>", "the agent's control socket (default: /run/failover/<pair>.sock)");
}

export function stateOption(): Option {
  return new Option("--state-dir <dir>", "journal and history (default: /var/lib/failover/<pair>)");
}

export function nodeOption(): Option {
  return new Option("--node <name>", "which node this is (default: whose path is a local address)");
}

export function jsonOption(): Option {
  return new Option("--json", "data for programs").default(false);
}

export function driftOption(): Option {
  return new Option(
    "--drift <file>",
    "the other machine's fingerprint, or - for standard input",
  ).conflicts("configOnly");
}
