import { execFile } from "node:child_process";

export type CommandResult =
  | { readonly kind: "done"; readonly output: string }
  | { readonly kind: "failed"; readonly reason: string };

/**
 * Runs one command and waits for its end, asynchronously; never rejects. Node's own spawn, because
 * loading a library in the middle of a handover would stop the heart for a tenth of a second. `input` is
 * for what is too long to be an argument.
 */
export const runCommand = (
  file: string,
  args: readonly string[],
  timeoutMillis: number,
  input?: string,
): Promise<CommandResult> =>
  new Promise((resolve) => {
    const options = { timeout: timeoutMillis, killSignal: "SIGKILL", maxBuffer: 16 << 20 } as const;
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve({ kind: "done", output: stdout });
      const found = error.killed ? `it took longer than ${timeoutMillis} ms` : stderr.trim();
      const reason = `Cannot run ${commandLine(file, args)}: ${found || error.message}`;
      resolve({ kind: "failed", reason });
    });
    if (input === undefined) return;
    // A command that ends before it has read everything says why itself.
    child.stdin?.once("error", () => {});
    child.stdin?.end(input);
  });

/** As an administrator would type it. */
export const commandLine = (file: string, args: readonly string[]): string =>
  [file, ...args].map((part) => (/^[\w@%+=:,./-]+$/.test(part) ? part : `'${part}'`)).join(" ");
