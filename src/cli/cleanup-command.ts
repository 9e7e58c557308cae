import { cleanup } from "../linux/leftovers.ts";
import { configurationAt, type Whereabouts } from "./agent-access.ts";
import { ControlClient, isAbsence } from "./control-client.ts";
import { type ExitCode, exitCodes, Failure } from "./failure.ts";
import { socketPath } from "./places.ts";

/**
 * `failover cleanup`: removes what an agent that is gone left in the kernel. systemd runs it after
 * every stop (ExecStopPost); after one that it did not ask for it starts the agent again, and the
 * address is left to its lease: then the agent that comes finds it, and goes on holding.
 */
export async function runCleanup(where: Whereabouts): Promise<ExitCode> {
  const result = process.env["SERVICE_RESULT"];
  if (result !== undefined && result !== "success") {
    process.stdout.write(`The agent ended with ${result}: the address is left to its lease\n`);
    return exitCodes.done;
  }
  const { pair, addresses } = await configurationAt(where);
  const socket = where.socket ?? socketPath(pair);
  if (await isServed(socket)) {
    throw new Failure(
      exitCodes.refused,
      `Cannot clean up: an agent serves at ${socket}; stop it first: systemctl stop failover`,
    );
  }
  const steps = await cleanup(
    pair,
    addresses.map(({ address }) => address),
  );
  for (const { line, failure } of steps) {
    process.stdout.write(`${line}\n`);
    if (failure !== undefined) process.stderr.write(`failover: ${failure}\n`);
  }
  if (steps.length === 0) process.stdout.write("Nothing was left behind\n");
  return steps.some(({ failure }) => failure !== undefined) ? exitCodes.broken : exitCodes.done;
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
