import { cleanup, putDown, removeRoutes } from "../linux/leftovers.ts";
import { pendingJob } from "../linux/service-manager.ts";
import type { Whereabouts } from "./agent-access.ts";
import { ControlClient, isAbsence } from "./control-client.ts";
import { type ExitCode, exitCodes, Failure } from "./failure.ts";
import { leftBehind } from "./left-behind.ts";
import { socketPath } from "./places.ts";

/**
 * `failover cleanup`: removes what an agent that is gone left in the kernel. systemd runs it after
 * every end of the agent (ExecStopPost). Where the next agent comes at once, after a crash or in the
 * middle of a restart, the address is left to its lease: that agent finds it, and goes on holding.
 */
export async function runCleanup(where: Whereabouts): Promise<ExitCode> {
  const comes = await whyTheNextComes(process.env);
  if (comes !== undefined) {
    process.stdout.write(`${comes}: the address is left to its lease\n`);
    return exitCodes.done;
  }
  const { pair, addresses, routes, link, instead } = await leftBehind(where);
  const socket = where.socket ?? socketPath(pair);
  if (await isServed(socket)) {
    throw new Failure(
      exitCodes.refused,
      `Cannot clean up: an agent serves at ${socket}; stop it first: systemctl stop failover`,
    );
  }
  if (instead !== undefined) process.stderr.write(`failover: ${instead}\n`);
  const steps = [
    ...(await cleanup(pair, addresses)),
    ...(await removeRoutes(routes)),
    ...(link === undefined ? [] : await putDown(link)),
  ];
  for (const { line, failure } of steps) {
    process.stdout.write(`${line}\n`);
    if (failure !== undefined) process.stderr.write(`failover: ${failure}\n`);
  }
  if (steps.length === 0) process.stdout.write("Nothing was left behind\n");
  return steps.some(({ failure }) => failure !== undefined) ? exitCodes.broken : exitCodes.done;
}

/** systemd's own account, systemd.exec(5); undefined where nobody comes, or a person typed this. */
async function whyTheNextComes(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  const { SERVICE_RESULT: result, FAILOVER_UNIT: unit } = environment;
  const ended = result === undefined || result === "success" ? undefined : result;
  const job = unit === undefined ? "unknown" : await pendingJob(unit);
  // A stop that had to kill the agent is a stop all the same.
  if (job === "stop") return undefined;
  if (job === "restart") return `${unit} is being restarted`;
  return ended === undefined ? undefined : `The agent ended with ${ended}`;
}

async function isServed(socket: string): Promise<boolean> {
  try {
    (await ControlClient.connect(socket))[Symbol.dispose]();
    return true;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}
