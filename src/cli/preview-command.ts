import { randomBytes } from "node:crypto";

import { type Millis, millis } from "../core/time.ts";
import { socketAt, statusNow, type Whereabouts } from "./agent-access.ts";
import { ControlClient } from "./control-client.ts";
import { exitCodes, Failure } from "./failure.ts";
import { span } from "./spans.ts";

export interface PreviewOptions extends Whereabouts {
  readonly from: readonly string[];
  readonly for?: Millis;
  readonly stop: boolean;
}

const previewMillis = millis(10 * 60_000);

/** `failover preview --from ADDR[,ADDR] [--for 10m]`, and `failover preview --stop`. */
export async function runPreview(options: PreviewOptions): Promise<number> {
  const socket = await socketAt(options);
  using agent = await ControlClient.connect(socket);
  if (options.stop) {
    await agent.order({ kind: "recall" });
    process.stdout.write("Ended: what the testers open from now on is served as for everybody\n");
    return exitCodes.done;
  }
  const { from: testers } = options;
  if (testers.length === 0)
    throw new Failure(exitCodes.usage, "Cannot begin a preview: --from names no address");
  const time = options.for ?? previewMillis;
  const id = randomBytes(6).toString("hex");
  const { nodes, holder } = await statusNow(socket);
  const standby = nodes.find((name) => name !== holder) ?? "the other machine";
  await agent.order({ kind: "preview", id, testers, span: time });
  process.stdout.write(
    `Asked for: in some seconds ${standby} serves ${testers.join(", ")} at the real address, for ${span(time)}; failover status tells when, failover preview --stop ends it\n`,
  );
  return exitCodes.done;
}
