import { getPriority, setPriority } from "node:os";

import { configurationAt, type Whereabouts } from "./agent-access.ts";
import { nodeName } from "./daemon/preparations.ts";
import { writeFingerprint } from "./drift/fingerprint.ts";
import { gatherFingerprint } from "./drift/gather.ts";
import { type ExitCode, exitCodes } from "./failure.ts";

const niceness = 10;

/** `failover fingerprint`: what this machine is made of, for `failover check --drift` on the other. */
export async function runFingerprint(
  options: Whereabouts & { readonly node?: string },
): Promise<ExitCode> {
  const configuration = await configurationAt(options);
  const node = await nodeName(configuration, options.node);
  // Much is read and hashed on a machine that may be serving.
  if (getPriority() < niceness) setPriority(niceness);
  process.stdout.write(writeFingerprint(await gatherFingerprint(configuration, node)));
  return exitCodes.done;
}
