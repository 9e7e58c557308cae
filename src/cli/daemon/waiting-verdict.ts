import { refusalsNow } from "../dry-run-command.ts";
import type { Status } from "../status.ts";
import type { Verdict } from "./waiting-swaps.ts";

/**
 * Whether a swap that has waited may be begun. The other agent may have held one for the same hour,
 * and have begun it first: then this one has nothing left to do. From a share or a preview that is held it goes
 * on, as a typed one does.
 */
export function verdictOn(status: Status, node: string): Verdict {
  const { holder, handover } = status;
  if (holder === node) return { kind: "done", sentence: `${node} holds the address` };
  if (handover?.to === node && !handover.held) {
    return { kind: "done", sentence: `the handover ${handover.from} → ${node} is under way` };
  }
  const sentences = refusalsNow(status, node);
  return sentences.length === 0 ? { kind: "free" } : { kind: "refused", sentences };
}
