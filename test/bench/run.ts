/**
 * Measures outages beside Debian's keepalived at equal beat rates, on one machine and in one run, and what an
 * agent costs at rest.
 *
 *   npm run bench                     20 power cuts and 20 planned swaps each, then a pair at rest
 *   npm run bench -- rest             one of cuts, moves, handovers and rest
 *   COUNT=3 npm run bench             fewer
 *   ONLY=keepalived npm run bench     those whose name contains the word
 */
import { type Contender, failover, keepalived } from "./contenders.ts";
import { setup } from "../system/install-tools.ts";
import { inOneLine, median } from "../system/load/crowd.ts";
import { drains } from "./drains.ts";
import { plannedSwaps, powerCuts } from "./measure.ts";
import { atRest } from "./rest.ts";

const count = Number(process.env["COUNT"] ?? 20);
const only = process.env["ONLY"] ?? "";

/** Equal beat rates side by side: ours, then theirs. */
const pairs: readonly (readonly [Contender, Contender])[] = [
  [failover(undefined), keepalived(1)],
  [failover({ interval: "100ms", deadTime: "130ms", confirmTime: "30ms" }), keepalived(0.1)],
  [failover({ interval: "20ms", deadTime: "30ms", confirmTime: "15ms" }), keepalived(0.02)],
];

const parts = { cuts, moves, handovers, rest };
const asked = process.argv.slice(2);
await setup();
for (const [name, part] of Object.entries(parts)) {
  if (asked.length === 0 || asked.includes(name)) await part();
}

async function cuts(): Promise<void> {
  console.log(
    `Power cuts, ${count} each: from the last answer of the old holder to the first of the new`,
  );
  for (const pair of pairs) {
    const medians: number[] = [];
    for (const contender of pair.filter(chosen)) {
      const outages = await powerCuts(contender, count);
      medians.push(median(outages));
      print(contender.name, outages);
    }
    const [ours, theirs] = medians;
    if (ours !== undefined && theirs !== undefined) {
      console.log(`  ratio of the medians: ${(ours / theirs).toFixed(2)}`);
    }
  }
}

async function moves(): Promise<void> {
  console.log(`\nPlanned moves, ${count} each, under 200 new connections a second`);
  for (const contender of [failover(undefined), keepalived(1), keepalived(0.1)].filter(chosen)) {
    const { gaps, requests, failed, slow } = await plannedSwaps(contender, count);
    print(contender.name, gaps);
    console.log(`    ${failed} of ${requests} requests failed, ${slow} took longer than 200 ms`);
  }
}

async function handovers(): Promise<void> {
  const times = Math.min(count, 4);
  console.log(`\nPlanned swaps that hand connections over, ${times}, every kind of client at once`);
  for (const figures of await drains(times)) console.log(`  ${inOneLine(figures)}`);
}

async function rest(): Promise<void> {
  console.log("\nA pair at rest with the defaults: shares of one core, resident memory");
  for (const { machine, main, threads, children, wakes, memory } of await atRest()) {
    const total = main + threads + children;
    const shares = `main ${main.toFixed(2)}, threads ${threads.toFixed(2)}, ip ${children.toFixed(2)}`;
    console.log(`  ${machine}: ${total.toFixed(2)} % of a core, ${memory.toFixed(0)} MB`);
    console.log(`    ${shares}; ${wakes.toFixed(0)} turns on a core a second`);
  }
}

function chosen({ name }: Contender): boolean {
  return name.includes(only);
}

function print(name: string, values: readonly number[]): void {
  const sorted = values.toSorted((one, next) => one - next).map((value) => value.toFixed(0));
  console.log(
    `  ${name}: median ${median(values).toFixed(0)} ms, worst ${sorted.at(-1) ?? "-"} ms`,
  );
  console.log(`    ${sorted.join(" ")}`);
}
