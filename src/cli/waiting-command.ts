import { socketAt, type Whereabouts } from "./agent-access.ts";
import { ControlClient } from "./control-client.ts";
import { exitCodes } from "./failure.ts";
import { waitingLine } from "./status-text.ts";

export interface WaitingOptions extends Whereabouts {
  readonly callOff?: string;
  readonly json: boolean;
}

/** `failover waiting [--call-off ID] [--json]`. */
export async function runWaiting({ callOff, json, ...where }: WaitingOptions): Promise<number> {
  using agent = await ControlClient.connect(await socketAt(where));
  if (callOff !== undefined) await agent.callOff(callOff);
  const swaps = await agent.waiting();
  if (json) process.stdout.write(`${JSON.stringify({ waiting: swaps }, null, 2)}\n`);
  else {
    const done = callOff === undefined ? [] : [`Called off: ${callOff}`];
    const lines = swaps.length === 0 ? ["No swap waits here"] : swaps.map(waitingLine);
    process.stdout.write(`${[...done, ...lines].join("\n")}\n`);
  }
  return exitCodes.done;
}
