import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";

import { type MachineName, serviceAddress } from "../../src/practice/network.ts";
import { now, pause } from "../../src/practice/wait.ts";
import { Crowd } from "./load/crowd.ts";
import { DrainLab, exitCodes, thorough } from "./load/drain-lab.ts";

let pair: DrainLab;
let crowd: Crowd;
beforeAll(async () => {
  pair = await DrainLab.start({ drainTime: "8s" });
  crowd = await Crowd.start(pair.lab.client, { address: serviceAddress, datagrams: false });
});
afterAll(async () => {
  await crowd[Symbol.asyncDispose]();
  await pair[Symbol.asyncDispose]();
});

/** Detection, taking, and the second after which a first packet that was lost is repeated, on a busy machine. */
const takeoverMillisMax = 4000;

type Who = "holder" | "target";
type Phase = "prepare" | "diverting" | "telling" | "moving" | "draining";

const late = ["diverting", "serving", "proved", "telling", "placed", "moving", "draining"];
/**
 * What the agent of the holder says then, and how long after that the machine dies at most: the phases of
 * some ten milliseconds are met by chance, in many runs.
 */
const moments: Readonly<
  Record<Phase, { readonly words: readonly string[]; readonly later: number }>
> = {
  prepare: { words: ["rehearsing", "ready", ...late], later: 3000 },
  diverting: { words: late, later: 20 },
  telling: { words: late, later: 300 },
  moving: { words: late.slice(3), later: 100 },
  draining: { words: ["draining"], later: 2000 },
};
const phases = Object.keys(moments) as readonly Phase[];

/**
 * Whether the machine that lives knows what was open on the other, and can tell those clients. It does not
 * know what began there by itself, no more than at any takeover.
 */
const isKnown = (who: Who, phase: Phase): boolean =>
  who === "holder" ? phase === "draining" : phase === "diverting" || phase === "telling";

async function untilMoment(holder: MachineName, phase: Phase): Promise<void> {
  const { words, later } = moments[phase];
  await pair.untilWord(holder, words);
  await pause(Math.random() * later);
}

const cases = (chosen: readonly string[]): readonly (readonly [Who, Phase])[] =>
  (["holder", "target"] as const)
    .flatMap((who) => phases.map((phase) => [who, phase] as const))
    .filter(([who, phase]) => thorough || chosen.includes(`${who} ${phase}`));

test.each(cases(["holder draining"]))(
  "the %s loses its power in phase %s: only what was there ends, at once, and the other serves",
  async (who, phase) => {
    onTestFailed(() => console.error(pair.logs()));
    const { holder, standby } = await pair.calm();
    await pause(2000);
    const dead = who === "holder" ? holder : standby;
    const lives = who === "holder" ? standby : holder;
    const from = now();
    const swap = pair.promote(standby);
    await untilMoment(holder, phase);
    const cut = now();
    await pair.lab.machines[dead].powerCut();
    const result = await swap;
    await pair.lab.untilHeldBy(lives, { within: 10_000 });
    const held = now() - cut;
    await pause(Math.max(0, cut + takeoverMillisMax + 2000 - now()));
    const figures = await crowd.figures({ from, to: now() });
    const afterwards = await crowd.figures({ from: cut + takeoverMillisMax, to: now() });
    const broken = crowd.deeds
      .filter((deed) => deed.kind === "download")
      .filter(({ at, why }) => at > cut && why !== "");
    console.log(
      `${dead}, the ${who}, dies ${phase}: exit ${result.code}, held by ${lives} after ${held.toFixed(0)} ms; ${figures.failed.length} failed, ${figures.slow.length} slow, ${broken.length} broken (${broken.map(({ who: at, why }) => `${at} ${why}`).join(", ")})`,
    );
    expect(afterwards.failed).toEqual([]);
    expect(broken.filter(({ who: at }) => at === lives)).toEqual([]);
    if (isKnown(who, phase)) expect(broken.filter(({ why }) => why === "hung")).toEqual([]);
  },
);

test.each(cases(["target diverting"]))(
  "the agent of the %s is killed in phase %s and starts again: nobody notices",
  async (who, phase) => {
    onTestFailed(() => console.error(pair.logs()));
    const { holder, standby } = await pair.calm();
    await pause(2000);
    const victim = who === "holder" ? holder : standby;
    const from = now();
    const swap = pair.promote(standby);
    await untilMoment(holder, phase);
    const agent = pair.lab.agents[victim];
    await agent.kill("SIGKILL");
    await pause(200);
    await agent.start();
    const result = await swap;
    await pause(5000);
    const figures = await crowd.figures({ from, to: now() });
    const after: MachineName[] = await pair.lab.holders();
    if (process.env["LOGS"] !== undefined) console.log(pair.logs());
    console.log(
      `agent of ${victim}, the ${who}, killed ${phase}: exit ${result.code}, held by ${after.join()}; ${figures.failed.length} failed, ${figures.slow.length} slow, worst ${figures.worst.toFixed(0)} ms, ${figures.broken.length} broken; ${figures.closings.map(({ at, how }) => `${how} ${at.toFixed(0)}`).join(" ")}`,
    );
    expect(figures.failed).toEqual([]);
    expect(figures.broken).toEqual([]);
    expect(after).toHaveLength(1);
    expect([exitCodes.done, exitCodes.refused, exitCodes.rolledBack, exitCodes.unknown]).toContain(
      result.code,
    );
  },
);

test.each(["holder", "target"] as const)(
  "the agent of the %s hangs for half a second in the middle: nobody notices, and the swap goes on",
  async (who) => {
    onTestFailed(() => console.error(pair.logs()));
    const { holder, standby } = await pair.calm();
    await pause(2000);
    const from = now();
    const swap = pair.promote(standby, "--share", "50%", "--for", "6s");
    await pair.untilWord(holder, late);
    const agent = pair.lab.agents[who === "holder" ? holder : standby].process;
    for (let hang = 0; hang < 3; hang += 1) {
      await agent.stop();
      await pause(500);
      agent.cont();
      await pause(500);
    }
    const result = await swap;
    expect(result.stdout + result.stderr).toContain("its time is over");
    const figures = await crowd.figures({ from, to: now() });
    expect(figures.failed).toEqual([]);
    expect(figures.broken).toEqual([]);
    expect(await pair.lab.holders()).toEqual([holder]);
  },
);
