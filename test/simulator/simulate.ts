import { runChaos } from "./chaos.ts";

/**
 * `npm run simulate -- --seeds 1000 [--from 1]`: as many runs as asked. The seed of a failing run is
 * printed with what the machines said, and is sufficient to repeat it: `--from SEED --seeds 1`.
 */
const option = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};

const from = option("--from", 1);
const seeds = option("--seeds", 1000);
console.log(`Simulating the seeds ${from} to ${from + seeds - 1}`);
const began = performance.now();
let broken = 0;
for (let seed = from; seed < from + seeds; seed += 1) {
  const words: string[] = [];
  try {
    runChaos(seed, (world) => {
      world.tell = (machine, sentence) =>
        words.push(
          `${(world.schedule.now / 1000).toFixed(3)} ${machine.name.padEnd(8)} ${sentence}`,
        );
    });
  } catch (error) {
    broken += 1;
    const found = error instanceof Error ? error : new Error("Something else was thrown");
    console.log(`seed ${seed}: ${found.stack?.split("\n").slice(0, 4).join("\n")}`);
    console.log(words.slice(-25).join("\n"));
    if (broken >= 5) break;
  }
}
const seconds = (performance.now() - began) / 1000;
console.log(`${broken} runs broke a law, ${seconds.toFixed(1)} s`);
process.exitCode = broken === 0 ? 0 : 1;
