import { ClientLoad } from "../../src/practice/client-load.ts";
import { Lab } from "../../src/practice/lab.ts";
import {
  type MachineName,
  machineNames,
  other,
  serviceAddress,
} from "../../src/practice/network.ts";
import { ownScript } from "../../src/practice/own-script.ts";
import { begunIn, changeover, type Sample } from "../../src/practice/samples.ts";
import { now, pause, until } from "../../src/practice/wait.ts";
import type { Contender } from "./contenders.ts";

/**
 * Outages of a power cut: every process of the holder killed and its links down at the same instant,
 * at a random moment between two beats. From the last datagram that the old holder answered to the
 * first that the new one did, one a millisecond.
 */
export async function powerCuts(contender: Contender, count: number): Promise<number[]> {
  await using lab = await openLab(contender);
  const outages: number[] = [];
  let holder = await firstHolder(lab);
  for (let round = 0; round < count; round += 1) {
    const standby = other(holder);
    await contender.standsBy(lab, standby);
    await using client = await startClient(lab, "udp", 1000);
    await pause(500 + Math.random() * 1000);
    const from = now() - 200;
    await lab.machines[holder].powerCut();
    await lab.untilHeldBy(standby, { within: 30_000 });
    await untilAnswered(client, standby);
    const samples = await client.finish();
    outages.push(gap(samples, holder, standby, from));
    await lab.machines[holder].powerBack();
    await startMachine(lab, contender, holder);
    holder = standby;
  }
  return outages;
}

export interface SwapFigures {
  readonly gaps: readonly number[];
  readonly requests: number;
  readonly failed: number;
  /** Requests that took longer than 200 ms. */
  readonly slow: number;
}

/** Planned moves there and back, under 200 new connections a second. */
export async function plannedSwaps(contender: Contender, count: number): Promise<SwapFigures> {
  await using lab = await openLab(contender);
  await lab.startWebs();
  const gaps: number[] = [];
  const begun: Sample[] = [];
  let holder = await firstHolder(lab);
  for (let round = 0; round < count; round += 1) {
    const standby = other(holder);
    await contender.standsBy(lab, standby);
    await using client = await startClient(lab, "http", 200);
    await pause(2000 + Math.random() * 200);
    const from = now();
    await contender.move(lab, holder);
    await untilAnswered(client, standby);
    await pause(1000);
    const to = now();
    const samples = await client.finish();
    gaps.push(gap(samples, holder, standby, from - 500));
    begun.push(...begunIn(samples, { from, to }));
    holder = standby;
  }
  return {
    gaps,
    requests: begun.length,
    failed: begun.filter(({ kind }) => kind === "failure").length,
    slow: begun.filter(({ took }) => took > 200).length,
  };
}

async function openLab(contender: Contender): Promise<Lab> {
  const lab = await Lab.create();
  try {
    contender.prepare(lab);
    for (const name of machineNames) await startMachine(lab, contender, name);
    return lab;
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

async function startMachine(lab: Lab, contender: Contender, name: MachineName): Promise<void> {
  await lab.machines[name].spawn(ownScript("echo-server", name));
  await contender.start(lab, name);
}

async function firstHolder(lab: Lab): Promise<MachineName> {
  await until("one machine holds", async () => (await lab.holders()).length === 1, {
    within: 60_000,
  });
  const [holder = "primary"] = await lab.holders();
  return holder;
}

function startClient(lab: Lab, mode: "http" | "udp", perSecond: number): Promise<ClientLoad> {
  return ClientLoad.start(lab.client, { address: serviceAddress, mode, perSecond, timeout: 5000 });
}

function untilAnswered(client: ClientLoad, by: MachineName): Promise<number> {
  return until(`${by} answers`, () => {
    const last = client.samples.at(-1);
    return last?.kind === "answer" && last.who === by;
  });
}

function gap(samples: readonly Sample[], from: string, to: string, since: number): number {
  const silence = changeover(samples, from, to, { from: since, to: now() });
  if (silence === undefined) throw new Error(`Cannot measure: ${to} never answered after ${from}`);
  return silence.millis;
}
