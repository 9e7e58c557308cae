import { socketAt, type Whereabouts } from "./agent-access.ts";
import { ControlClient } from "./control-client.ts";
import { exitCodes } from "./failure.ts";

/** What an accepted order means, for whoever gave it. */
const meanings = {
  release: "Accepted: this machine lets the address go until thaw, promote or a boot",
  freeze: "Accepted: the pair changes nothing by itself until thaw",
  thaw: "Accepted: the pair acts by itself again, and a released machine may take the address",
} as const;

/** `failover release`, `freeze` and `thaw`. */
export async function runOrder(kind: keyof typeof meanings, where: Whereabouts): Promise<number> {
  using agent = await ControlClient.connect(await socketAt(where));
  await agent.order({ kind });
  process.stdout.write(`${meanings[kind]}\n`);
  return exitCodes.done;
}
