import { type CommandResult, runCommand } from "../../linux/command.ts";
import { lower } from "./lowered.ts";

/** Runs a hook of the configuration in a shell, behind everything that the agent does itself. */
export const runHook = (hook: string, timeoutMillis: number): Promise<CommandResult> =>
  runCommand("/bin/sh", ["-c", hook], timeoutMillis, { onPid: lower });
