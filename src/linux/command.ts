import { execFile } from "node:child_process";

export type CommandResult =
  | { readonly kind: "done"; readonly output: string }
  | { readonly kind: "failed"; readonly reason: string };

/**
 * Hears of every command before it runs: the line as an administrator would type it, and the script where the
 * command reads one, which is too long for a line of a log.
 */
export type CommandListener = (line: string, script?: string) => void;

/**
 * Runs one command and waits for its end, asynchronously; never rejects. Node's own spawn, because
 * loading a library in the middle of a handover would stop the heart for a tenth of a second. `input` is
 * for what is too long to be an argument; `onPid` is called with the child's id as soon as it has one.
 */
export const runCommand = (
  file: string,
  args: readonly string[],
  timeoutMillis: number,
  { input, onPid }: { readonly input?: string; readonly onPid?: (pid: number) => void } = {},
): Promise<CommandResult> =>
  new Promise((resolve) => {
    const options = { timeout: timeoutMillis, killSignal: "SIGKILL", maxBuffer: 16 << 20 } as const;
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve({ kind: "done", output: stdout });
      const found = error.killed ? `it took longer than ${timeoutMillis} ms` : stderr.trim();
      const reason = `Cannot run ${commandLine(file, args)}: ${found || error.message}`;
      resolve({ kind: "failed", reason });
    });
    if (child.pid !== undefined) onPid?.(child.pid);
    if (input === undefined) return;
    // A command that ends before it has read everything says why itself.
    child.stdin?.once("error", () => {});
    child.stdin?.end(input);
  });

/**
 * Runs a script of nft, all of it or nothing. `what` is told in its place where only a line is asked for;
 * `shown` where a list of thousands helps no reader.
 */
export const runNft = (
  script: string,
  options: {
    readonly what: string;
    readonly shown?: string;
    readonly timeoutMillis: number;
    readonly onCommand: CommandListener;
  },
): Promise<CommandResult> => {
  const { what, shown = script, timeoutMillis, onCommand } = options;
  onCommand(`nft -f - # ${what}`, shown);
  return runCommand("nft", ["-f", "-"], timeoutMillis, { input: script });
};

/** As an administrator would type it. */
export const commandLine = (file: string, args: readonly string[]): string =>
  [file, ...args].map(quoted).join(" ");

const quoted = (part: string): string =>
  /^[\w@%+=:,./-]+$/.test(part) ? part : `'${part.replaceAll("'", "'\\''")}'`;
