import { socketAt, statusNow, type Whereabouts } from "./agent-access.ts";
import { ControlClient } from "./control-client.ts";
import { exitCodes } from "./failure.ts";
import type { Status } from "./status.ts";
import { statusLines } from "./status-text.ts";
import { isTerminal, LiveBlock, paintFor } from "./terminal.ts";

export interface StatusOptions extends Whereabouts {
  readonly watch: boolean;
  readonly json: boolean;
}

/** While nothing changes a terminal still sees the ages grow. */
const redrawMillis = 1000;

/** `failover status [--watch] [--json]`. */
export async function runStatus(options: StatusOptions): Promise<number> {
  const socket = await socketAt(options);
  const out = process.stdout;
  const paint = paintFor(out);
  if (!options.watch) {
    out.write(asText(await statusNow(socket), options.json));
    return exitCodes.done;
  }
  using agent = await ControlClient.connect(socket);
  const block = isTerminal(out) && !options.json ? new LiveBlock(out) : undefined;
  for await (const change of agent.follow({ quietMillisMax: redrawMillis })) {
    if (block !== undefined) block.draw(statusLines(change ?? (await statusNow(socket)), paint));
    else if (change !== undefined) out.write(asText(change, options.json));
  }
  return exitCodes.done;

  function asText(status: Status, json: boolean): string {
    if (json) return `${JSON.stringify(status, null, options.watch ? 0 : 2)}\n`;
    return `${statusLines(status, paint).join("\n")}\n${options.watch ? "\n" : ""}`;
  }
}
