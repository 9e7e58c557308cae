import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import { localZone } from "../traffic/profile/wall-clock.ts";
import { configurationAt, type Whereabouts } from "./agent-access.ts";
import { ControlClient } from "./control-client.ts";
import { exitCodes, Failure } from "./failure.ts";
import { readHour } from "./hour.ts";
import type { WaitingStatus } from "./status.ts";
import { waitingLine } from "./status-text.ts";

export interface WaitOptions extends Whereabouts {
  readonly node: string;
  readonly at: string;
  readonly within?: number;
  readonly json: boolean;
}

interface Appointment {
  readonly at: number;
  /** Why then, as a sentence; empty where the hour was named. */
  readonly why: string;
}

/** A swap takes no longer, on most sites: proof included, drain excluded. */
const swapMinutes = 10;
const withinMillis = 7 * 86_400_000;
/** A disk has so long to take it, before the administrator is told that it has not. */
const keepMillis = 3000;

/** `failover promote NODE --at WHEN`: the agent of this machine waits for the hour. */
export async function runWait(socket: string, options: WaitOptions): Promise<number> {
  const { node, json } = options;
  const { at, why } = await appointment(options);
  const id = randomBytes(6).toString("hex");
  using agent = await ControlClient.connect(socket);
  await agent.wait({ id, node, at });
  const swap = await whenKept(agent, id);
  if (json) process.stdout.write(`${JSON.stringify({ outcome: "waiting", ...swap })}\n`);
  else {
    const lines = [
      ...(why === "" ? [] : [why]),
      `Waits: ${waitingLine(swap)}`,
      `failover waiting --call-off ${id} calls it off`,
    ];
    process.stdout.write(`${lines.join("\n")}\n`);
  }
  return exitCodes.done;
}

async function appointment(options: WaitOptions): Promise<Appointment> {
  const { at: text, node } = options;
  if (text === "quiet") return quietAppointment(options);
  const hour = readHour(text, Date.now(), localZone);
  if (hour.kind === "hour") return { at: hour.at, why: "" };
  const sentence = `Cannot let a swap to ${node} wait for ${JSON.stringify(text)}: ${hour.found}`;
  throw new Failure(exitCodes.usage, sentence);
}

async function quietAppointment(options: WaitOptions): Promise<Appointment> {
  // Lazily: whoever names the hour does not wait for the reader of logs.
  const { quietHour, readWeek } = await import("./quiet-hour.ts");
  const { aboutRequests, windowWords } = await import("./traffic-text.ts");
  const configuration = await configurationAt(options);
  const now = Date.now();
  const week = await readWeek(configuration, undefined, now);
  const within = Math.floor((options.within ?? withinMillis) / 60_000);
  const quiet = quietHour(week, { length: swapMinutes, within, now });
  if (quiet === undefined) {
    throw new Failure(
      exitCodes.refused,
      `Cannot tell the quietest hour: the access_logs of ${week.node} cover none of the hours ` +
        "asked for; failover traffic shows what they cover, and the logs of the holder may cover more",
    );
  }
  const words = windowWords(quiet.start, swapMinutes);
  return { at: quiet.at, why: `Quietest: ${words}, ${aboutRequests(quiet.requests)}` };
}

/** The swap as the agent has it, once it is on the disk or the disk has had its time. */
async function whenKept(agent: ControlClient, id: string): Promise<WaitingStatus> {
  const deadline = performance.now() + keepMillis;
  for (;;) {
    const swap = (await agent.waiting()).find((one) => one.id === id);
    if (swap === undefined) throw new Failure(exitCodes.unknown, `The swap ${id} waits no more`);
    if (swap.kept || performance.now() > deadline) return swap;
    await delay(20);
  }
}
