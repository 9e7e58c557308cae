import { execFile } from "node:child_process";

import type { Finding } from "../check/finding.ts";
import { lower } from "./lowered.ts";

export interface OwnCheckOptions {
  readonly config: string;
  readonly socket: string;
  readonly stateDir: string;
  readonly node: string;
}

/** A name server that does not answer is waited for by check, and not for ever. */
const checkMillis = 60_000;

/**
 * What `failover check` calls failed on this machine now, one sentence each. It runs as a process of
 * its own, behind everything else: it reads disks, asks name servers and computes, and none of that
 * may happen between two beats. Rejects when it gave no answer.
 */
export function ownCheck(
  { config, socket, stateDir, node }: OwnCheckOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const [, script = ""] = process.argv;
  const places = ["--config", config, "--socket", socket, "--state-dir", stateDir, "--node", node];
  const words = [...process.execArgv, script, "check", "--json", ...places];
  const limits = { timeout: checkMillis, killSignal: "SIGKILL", maxBuffer: 1024 * 1024 } as const;
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      words,
      { ...limits, signal },
      (error, stdout, stderr) => {
        const findings = findingsIn(stdout);
        // It exits with 3 where something has failed; that is an answer.
        if (findings !== undefined) resolve(sentences(findings));
        else if (error?.killed === true) reject(new Error(`it took longer than ${checkMillis} ms`));
        else reject(new Error(stderr.trim().split("\n").at(-1) || "it said nothing"));
      },
    );
    if (child.pid !== undefined) lower(child.pid);
  });
}

function sentences(findings: readonly Finding[]): readonly string[] {
  return findings
    .filter(({ level }) => level === "failed")
    .map(({ subject, found }) => `${subject}: ${found}`);
}

/** Our own program wrote it, and still may have been killed in the middle. */
function findingsIn(text: string): readonly Finding[] | undefined {
  try {
    const { findings } = JSON.parse(text) as { readonly findings?: unknown };
    return Array.isArray(findings) ? (findings as readonly Finding[]) : undefined;
  } catch {
    return undefined;
  }
}
