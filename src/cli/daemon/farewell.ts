import { setTimeout as delay } from "node:timers/promises";

import { now } from "../../linux/alarm-clock.ts";
import type { Configuration } from "../configuration/configuration.ts";
import type { Heart } from "./heart.ts";

/** A restart is the quicker the less of the lease is spent on it. */
const restartMillis = 200;

/** Lets the address go, says so to the peer, and resolves when both were done or took too long. */
export async function sayGoodbye(heart: Heart, { lease, interval }: Configuration): Promise<void> {
  const deadline = now() + lease;
  heart.tell({ kind: "operator-asked", order: { kind: "leave" } });
  const gone = (): boolean => ["standby", "boot"].includes(heart.agent.state.role.kind);
  while (!gone() && now() < deadline) await delay(5);
  // One goodbye may be lost; three beats are not.
  await delay(2 * interval);
}

/** The address stays: the peer hears that the next agent goes on holding. */
export async function sayRestart(heart: Heart, { interval }: Configuration): Promise<void> {
  heart.tell({ kind: "operator-asked", order: { kind: "step-aside" } });
  // One word may be lost.
  await delay(Math.min(2 * interval, restartMillis));
}
