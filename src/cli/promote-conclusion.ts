import { type ExitCode, exitCodes } from "./failure.ts";
import { isTimeOver, type Progress } from "./handover-progress.ts";
import { span } from "./spans.ts";
import type { HandoverStatus, Status } from "./status.ts";
import { percent } from "./status-text.ts";

/** How a `promote` ended, for programs, people and the shell. */
export interface Conclusion {
  readonly outcome: "done" | "refused" | "rolled-back";
  readonly sentence: string;
  readonly code: ExitCode;
}

/** A share of new connections, 0 to 1, that was asked for, and for how many milliseconds. */
export interface Held {
  readonly share: number;
  readonly span: number;
}

/** Of two orders in one moment both are accepted, and the agents carry out the first. */
export function overtakenBy({ id, from, to }: HandoverStatus): NonNullable<Progress["end"]> {
  return { outcome: "refused", reason: `the handover ${from} → ${to} (${id}) began first` };
}

/** Who holds the address by its own word; undefined while nobody says so. */
export const holderBy = ({ node, role, peer }: Status): string | undefined =>
  role === "holding" ? node : peer.role === "holding" ? peer.node : undefined;

/** `holder`: by the last status. `held`: what this command asked for, where it was a share. */
export function conclusionOf(
  { from, to }: Pick<Progress, "from" | "to">,
  end: NonNullable<Progress["end"]>,
  holder: string | undefined,
  held: Held | undefined,
): Conclusion {
  const { outcome, reason } = end;
  const because = reason === "" ? "" : `: ${reason}`;
  switch (outcome) {
    case "done":
      return {
        outcome,
        sentence: `Done: ${to} holds the address${because}`,
        code: exitCodes.done,
      };
    case "refused":
      return {
        outcome,
        sentence: `Refused, nothing has moved${because}`,
        code: exitCodes.refused,
      };
    case "rolled-back": {
      // The core has one way back for all; the end of its time is what was asked for.
      if (held !== undefined && isTimeOver(end)) {
        const served = `${percent(held.share)} of new connections for ${span(held.span)}`;
        const sentence = `Done: ${to} served ${served}, ${reason}, and ${from} serves as before`;
        return { outcome: "done", sentence, code: exitCodes.done };
      }
      // A holder may have lost the address in the middle of it, and the other may be about to take.
      const sentence =
        holder === from
          ? `Rolled back: ${from} serves as before${because}`
          : `Rolled back${because}; failover status tells who holds the address`;
      return { outcome, sentence, code: exitCodes.rolledBack };
    }
  }
}
