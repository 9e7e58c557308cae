import { open } from "node:fs/promises";

import { counted } from "../../core/counted.ts";
import { exitCodes, Failure, reasonOf } from "../failure.ts";
import type { Configuration } from "./configuration.ts";
import { type Lines, parseConfiguration } from "./parse.ts";
import { problemSentence } from "./problem.ts";

export interface Loaded {
  readonly configuration: Configuration;
  readonly lines: Lines;
}

/** A thousand addresses fit ten times over. */
const bytesMax = 1024 * 1024;

/**
 * The configuration in `file`. Throws a Failure with every problem, one a line, and exit code 2.
 */
export async function loadConfiguration(file: string): Promise<Configuration> {
  return (await loadWithLines(file)).configuration;
}

/** The same, with the lines of its keys. */
export async function loadWithLines(file: string): Promise<Loaded> {
  const parsed = parseConfiguration(await readText(file));
  if (parsed.kind === "valid") return parsed;
  const { problems } = parsed;
  const count = counted(problems.length, "problem");
  throw new Failure(
    exitCodes.usage,
    [`Cannot use ${file}: ${count}`, ...problems.map((one) => `  ${problemSentence(one)}`)].join(
      "\n",
    ),
  );
}

async function readText(file: string): Promise<string> {
  try {
    await using handle = await open(file);
    const buffer = Buffer.alloc(bytesMax + 1);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    if (bytesRead > bytesMax) throw new Error("it is larger than 1 MiB");
    return buffer.toString("utf8", 0, bytesRead);
  } catch (error) {
    throw new Failure(exitCodes.usage, `Cannot read ${file}: ${reasonOf(error)}`, { cause: error });
  }
}
