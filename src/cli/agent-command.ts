import { setTimeout as delay } from "node:timers/promises";

import { now } from "../linux/alarm-clock.ts";
import { links } from "../linux/links.ts";
import { localAddresses } from "../linux/network-facts.ts";
import { ServiceManager } from "../linux/service-manager.ts";
import { configurationAt, type Whereabouts } from "./agent-access.ts";
import type { Configuration } from "./configuration/configuration.ts";
import { sidesOf } from "./configuration/node-here.ts";
import { readApart } from "./configuration/read-apart.ts";
import { unsupported } from "./configuration/unsupported.ts";
import { ControlServer } from "./control-server.ts";
import { Daemon } from "./daemon/daemon.ts";
import { ownCheck } from "./daemon/own-check.ts";
import {
  findAndClean,
  nodeName,
  raisePriority,
  readKeyRing,
  requireTools,
} from "./daemon/preparations.ts";
import { TroubleBook } from "./daemon/trouble-book.ts";
import { exitCodes, Failure } from "./failure.ts";
import { hearingOf } from "./hearing.ts";
import { createLog, type Log } from "./logging.ts";
import { socketPath, stateDirectory } from "./places.ts";
import { prepareStateDirectory, readBootId } from "./state-directory.ts";
import { readWaiting } from "./waiting-file.ts";

export interface AgentOptions extends Whereabouts {
  readonly node?: string;
}

/**
 * systemd starts an agent that ended again at once, which a crash needs; what keeps one from
 * starting at all, a mistake in a file or an address that is not there yet, is looked at less often.
 */
const refusalMillis = 2000;

/** `failover agent`: one of the two machines, until SIGTERM. Answers with the exit code. */
export async function runAgent(options: AgentOptions): Promise<number> {
  const manager = new ServiceManager(process.env);
  try {
    const { daemon, log } = await daemonFor(options, manager);
    const asked = untilAskedToStop(log, () => daemon.reload());
    try {
      await daemon.start();
      manager.ready();
      await asked;
      manager.stopping();
      if (!(await manager.restartsUs()) || !(await daemon.stepAside())) await daemon.leave();
    } finally {
      await daemon[Symbol.asyncDispose]();
    }
    await log.settled();
    return exitCodes.done;
  } catch (error) {
    if (!(error instanceof Failure) || !manager.present) throw error;
    manager.status(error.message);
    await delay(refusalMillis);
    throw error;
  } finally {
    manager.close();
  }
}

interface Prepared {
  readonly daemon: Daemon;
  readonly log: Log;
}

async function daemonFor(options: AgentOptions, manager: ServiceManager): Promise<Prepared> {
  const configuration = await configurationAt(options);
  const node = await nodeName(configuration, options.node);
  const { here } = sidesOf(configuration, node);
  refuseUnsupported(configuration);
  await requireTools();
  const ring = await readKeyRing(configuration.key);
  const directory = options.stateDir ?? stateDirectory(configuration.pair);
  const unwritable = await prepareStateDirectory(directory);
  const troubles = new TroubleBook(now);
  const logTrouble = troubles.reporter("log", (sentence) => process.stderr.write(`${sentence}\n`));
  const log = await createLog(configuration.log, logTrouble);
  const slow = raisePriority();
  for (const sentence of [unwritable, slow]) if (sentence !== undefined) log.warning(sentence);
  const bootId = await readBootId();
  // First of all: a second agent must neither send a beat nor tidy up behind a living one.
  const control = new ControlServer();
  const socket = options.socket ?? socketPath(configuration.pair);
  await control.listen(socket);
  try {
    const daemon = new Daemon({
      configuration,
      file: options.config,
      read: readApart,
      node,
      ring,
      readKeys: () => readKeyRing(configuration.key),
      bootId,
      log,
      troubles,
      control,
      manager,
      hearing: hearingOf(
        configuration,
        here,
        await localAddresses(),
        configuration.takeover === "link" ? await links() : [],
      ),
      found: await findAndClean(configuration, here, directory, bootId),
      stateDirectory: directory,
      waiting: await readWaiting(directory),
      check: (signal) =>
        ownCheck({ config: options.config, socket, stateDir: directory, node }, signal),
    });
    return { daemon, log };
  } catch (error) {
    // A socket that listens would keep the process alive, and the next agent out.
    await control[Symbol.asyncDispose]();
    throw error;
  }
}

function refuseUnsupported(configuration: Configuration): void {
  const found = unsupported(configuration);
  if (found.length > 0)
    throw new Failure(exitCodes.usage, `Cannot run with this configuration: ${found.join("; ")}`);
}

/**
 * The first signal leaves politely: the address is gone before the peer hears goodbye. The second
 * leaves at once.
 */
function untilAskedToStop(log: Log, readFilesAgain: () => void): Promise<void> {
  process.on("SIGHUP", readFilesAgain);
  process.on("SIGUSR2", () => log.reopen());
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const)
      process.once(signal, () => {
        process.once(signal, () => process.exit(128));
        resolve();
      });
  });
}
