import { execFile } from "node:child_process";

import type { CommandResult } from "../../linux/command.ts";
import { lower } from "./lowered.ts";

/**
 * Runs a hook of the configuration in a shell, behind everything that the agent does itself, and waits
 * for its end for `timeoutMillis` at most; never rejects.
 */
export function runHook(hook: string, timeoutMillis: number): Promise<CommandResult> {
  const limits = { timeout: timeoutMillis, killSignal: "SIGKILL", maxBuffer: 16 << 20 } as const;
  return new Promise((resolve) => {
    const child = execFile("/bin/sh", ["-c", hook], limits, (error, stdout, stderr) => {
      if (error === null) return resolve({ kind: "done", output: stdout });
      const found =
        error.killed === true ? `it took longer than ${timeoutMillis} ms` : stderr.trim();
      resolve({ kind: "failed", reason: found || `it ended with ${error.code ?? error.signal}` });
    });
    if (child.pid !== undefined) lower(child.pid);
  });
}
