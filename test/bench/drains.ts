import { serviceAddress } from "../../src/practice/network.ts";
import { now, pause } from "../../src/practice/wait.ts";
import { Crowd, type Figures } from "../system/load/crowd.ts";
import { DrainLab } from "../system/load/drain-lab.ts";

/** Planned swaps there and back that hand connections over, under every kind of client at once. */
export async function drains(count: number): Promise<readonly Figures[]> {
  await using pair = await DrainLab.start();
  await using crowd = await Crowd.start(pair.lab.client, { address: serviceAddress });
  await pause(5000);
  const all: Figures[] = [];
  for (let round = 0; round < count; round += 1) {
    const { standby } = await pair.calm();
    const from = now();
    const { code, stdout, stderr } = await pair.promote(standby);
    if (code !== 0) throw new Error(`Cannot swap to ${standby}: ${stdout}${stderr}`);
    await pause(1500);
    all.push(await crowd.figures({ from, to: now() }));
  }
  return all;
}
