import { randomBytes } from "node:crypto";

import type { Order } from "../core/event.ts";
import { type Millis, millis } from "../core/time.ts";
import { socketAt, statusNow, type Whereabouts } from "./agent-access.ts";
import { ControlClient } from "./control-client.ts";
import { type ExitCode, exitCodes, Failure } from "./failure.ts";
import { beginProgress, type Progress, progressAfter } from "./handover-progress.ts";
import { conclusionOf } from "./promote-conclusion.ts";
import { type Presenter, presenterFor } from "./promote-presenter.ts";
import type { Status } from "./status.ts";

export interface PromoteOptions extends Whereabouts {
  readonly node: string;
  readonly cut: boolean;
  /** Hold at this share of new connections, 0 to 1, for a while. */
  readonly share?: number;
  readonly for?: Millis;
  /** In place of the configured drainTime; may be infinite. */
  readonly drain?: Millis;
  readonly dryRun: boolean;
  readonly json: boolean;
  /** Not now, but at this hour. */
  readonly at?: string;
  /** How far away a quiet hour may be, in milliseconds. */
  readonly within?: number;
}

/** A share that nobody comes back to must not stay for ever. */
const holdMillis = millis(10 * 60_000);

/**
 * Beyond the configured verifyTime: what the core allows for measuring, getting ready, taking and
 * going back (src/core/handover.ts, patience), and a reserve. Then the outcome counts as unknown.
 */
const patienceMillis = 180_000;

/** While nothing changes the agent is asked whether it is still there. */
const quietMillis = 1000;

/** `failover promote NODE [--cut] [--share 5% [--for 5m]] [--drain 10m] [--at WHEN] [--dry-run] [--json]`. */
export async function runPromote(options: PromoteOptions): Promise<number> {
  const socket = await socketAt(options);
  const status = await statusNow(socket);
  const { node, json, at } = options;
  if (!status.nodes.includes(node)) {
    const names = status.nodes.join(" and ");
    throw new Failure(exitCodes.usage, `Cannot promote ${node}: the nodes are ${names}`);
  }
  if (
    at !== undefined &&
    (options.cut || options.share !== undefined || options.drain !== undefined)
  )
    throw new Failure(
      exitCodes.usage,
      `Cannot promote ${node} at ${at} with --cut, --share or --drain: a swap that waits goes as configured`,
    );
  if (at !== undefined && !options.dryRun) {
    const { runWait } = await import("./wait-command.ts");
    return runWait(socket, { ...options, at });
  }
  const held = status.handover?.held === true;
  if (held && status.holder === node) {
    using agent = await ControlClient.connect(socket);
    await agent.order({ kind: "recall" });
    process.stdout.write(`Called back: new connections are served by ${node} again\n`);
    return exitCodes.done;
  }
  if (status.holder === node) {
    const reason = `${node} holds the address already`;
    process.stdout.write(`${json ? JSON.stringify({ outcome: "done", reason }) : reason}\n`);
    return exitCodes.done;
  }
  if (options.dryRun) {
    const { runDryRun } = await import("./dry-run-command.ts");
    return runDryRun(status, options);
  }
  const { handover } = status;
  if (handover !== null && !held) {
    throw new Failure(
      exitCodes.refused,
      `Cannot promote ${node}: the handover ${handover.from} → ${handover.to} is not over yet`,
    );
  }
  return carryOut(socket, status, options);
}

async function carryOut(
  socket: string,
  before: Status,
  { node, json, cut, share, drain, ...options }: PromoteOptions,
): Promise<ExitCode> {
  // What is held goes on under its own name.
  const id = before.handover?.id ?? randomBytes(6).toString("hex");
  const hold = share === undefined ? undefined : { share, span: options.for ?? holdMillis };
  const drainTime = drain ?? before.swap.drainTime;
  const other = before.nodes.find((name) => name !== node) ?? node;
  const presenter = presenterFor(process.stdout, json);
  let progress = beginProgress(other, node, before.swap.minRequests);
  const waits = before.swap.verifyTime * before.swap.steps + (hold?.span ?? 0) + drainTime;
  const deadline = performance.now() + waits + patienceMillis;
  const interruption = new AbortController();
  process.once("SIGINT", () => interruption.abort());
  const { signal } = interruption;

  using follower = await ControlClient.connect(socket);
  await give({ kind: "promote", node, id, cut, hold, drainTime: drain }, socket);
  try {
    for await (const status of follower.follow({ quietMillisMax: quietMillis, signal })) {
      if (signal.aborted || performance.now() > deadline) break;
      progress = progressAfter(progress, status ?? (await statusNow(socket)), id);
      presenter.show(progress);
      if (progress.end === undefined) continue;
      const { outcome, sentence, code } = conclusionOf(progress, progress.end, hold);
      presenter.finish(outcome, sentence);
      return code;
    }
    return concludeUnknown(progress, "it has not ended yet", presenter);
  } catch (error) {
    // The order is given and the agent is gone: from here nobody can tell what came of it.
    if (error instanceof Failure) return concludeUnknown(progress, error.message, presenter);
    throw error;
  }
}

async function give(order: Order, socket: string): Promise<void> {
  using agent = await ControlClient.connect(socket);
  await agent.order(order);
}

function concludeUnknown({ from, to }: Progress, found: string, presenter: Presenter): ExitCode {
  const advice = "failover status tells who holds the address";
  presenter.finish("unknown", `Cannot tell the outcome of ${from} → ${to}: ${found}; ${advice}`);
  return exitCodes.unknown;
}
