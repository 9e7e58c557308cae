import { execa } from "execa";

export interface CommandResult {
  readonly ok: boolean;
  /** Undefined where the command was ended by a signal or did not start. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Given to the command on its standard input. */
  readonly input?: string;
}

/**
 * Runs a command to its end. Never rejects: a command that fails is an answer too. It gets a session
 * of its own, so that a Ctrl-C typed at the practice does not tear an `ip` or `nft` apart halfway.
 */
export async function run(
  argv: readonly string[],
  { input }: CommandOptions = {},
): Promise<CommandResult> {
  const [file = "", ...rest] = argv;
  const result = await execa(file, rest, {
    reject: false,
    detached: true,
    cleanup: false,
    ...(input === undefined ? { stdin: "ignore" as const } : { input }),
    env: environment(),
  });
  return {
    ok: !result.failed,
    code: result.exitCode,
    stdout: result.stdout,
    stderr: result.exitCode === undefined ? (result.shortMessage ?? "") : result.stderr,
  };
}

/** The same, for commands that have no business failing. Rejects with what the command said. */
export async function mustRun(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const result = await run(argv, options);
  if (!result.ok) {
    throw new Error(
      `Cannot run ${argv.join(" ")}: ${result.stderr.trim() || `exit ${result.code}`}`,
    );
  }
  return result.stdout;
}

/** Ours, with the places of `ip`, `nft` and `nginx`, which the PATH of an ordinary user lacks on Debian. */
export function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };
}
