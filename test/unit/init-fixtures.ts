import { vi } from "vitest";

import { parseConfiguration } from "../../src/cli/configuration/parse.ts";
import { problemSentence } from "../../src/cli/configuration/problem.ts";
import { unsupported } from "../../src/cli/configuration/unsupported.ts";
import { settled } from "../../src/cli/init/settle.ts";
import type { Sketch } from "../../src/cli/init/sketch.ts";
import type { Surroundings } from "../../src/cli/init/surroundings.ts";
import { yamlText } from "../../src/cli/init/yaml-text.ts";
import { run } from "../../src/cli/program.ts";

/** A machine that is none of a pair's. */
export const nowhere: Surroundings = { hostname: "laptop", local: [] };

export function textOf(sketch: Sketch): string {
  return yamlText(settled(sketch, []), "/etc/failover/key");
}

/** Problems that would keep an agent from starting with it. */
export function problemsOf(text: string): readonly string[] {
  const parsed = parseConfiguration(text);
  return parsed.kind === "invalid"
    ? parsed.problems.map(problemSentence)
    : unsupported(parsed.configuration);
}

/** Types `failover ARGUMENTS`, in this process: there are many. */
export async function failover(...args: readonly string[]) {
  let stdout = "";
  let stderr = "";
  const out = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  const err = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
  try {
    const status = await run(args);
    return { status, stdout, stderr };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}
