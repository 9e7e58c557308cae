import { randomBytes } from "node:crypto";

import type { Order } from "../core/event.ts";
import { type Millis, millis } from "../core/time.ts";
import { socketAt, statusNow, type Whereabouts } from "./agent-access.ts";
import { ControlClient } from "./control-client.ts";
import { type ExitCode, exitCodes, Failure } from "./failure.ts";
import { beginProgress, type Progress, progressAfter } from "./handover-progress.ts";
import { conclusionOf, holderBy, overtakenBy } from "./promote-conclusion.ts";
import { type Presenter, presenterFor } from "./promote-presenter.ts";
import { refuseMeanwhile, refuseMisfits } from "./promote-refusals.ts";
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
  refuseMisfits(options);
  const socket = await socketAt(options);
  const status = await statusNow(socket);
  const { node, at } = options;
  if (!status.nodes.includes(node)) {
    const names = status.nodes.join(" and ");
    throw new Failure(exitCodes.usage, `Cannot promote ${node}: the nodes are ${names}`);
  }
  if (at !== undefined && !options.dryRun) {
    const { runWait } = await import("./wait-command.ts");
    return runWait(socket, { ...options, at });
  }
  if (status.holder !== node && options.dryRun) {
    const { runDryRun } = await import("./dry-run-command.ts");
    return runDryRun(status, options);
  }
  refuseMeanwhile(node, status);
  if (status.holder !== node) return carryOut(socket, status, options);
  return staying(socket, status, options);
}

/** The node holds the address: there is nothing to do, or a share or a preview to call back. */
async function staying(
  socket: string,
  { handover }: Status,
  { node, json, dryRun }: PromoteOptions,
): Promise<ExitCode> {
  const calledBack = handover?.held === true && !dryRun;
  if (calledBack) await give({ kind: "recall" }, socket);
  const reason = calledBack
    ? `Called back: new connections are served by ${node} again`
    : `${node} holds the address already`;
  process.stdout.write(`${json ? JSON.stringify({ outcome: "done", reason }) : reason}
`);
  return exitCodes.done;
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
  let begun = false;
  try {
    for await (const told of follower.follow({ quietMillisMax: quietMillis, signal })) {
      if (signal.aborted || performance.now() > deadline) break;
      const status = told ?? (await statusNow(socket));
      progress = progressAfter(progress, status, id);
      presenter.show(progress);
      const { handover } = status;
      begun ||= handover?.id === id;
      const other = handover === null || handover.id === id ? undefined : handover;
      if (begun && other !== undefined && progress.end === undefined)
        return concludeUnknown(progress, `another handover, ${other.id}, has begun`, presenter);
      const end = progress.end ?? (other && overtakenBy(other));
      if (end === undefined) continue;
      const { outcome, sentence, code } = conclusionOf(progress, end, holderBy(status), hold);
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
