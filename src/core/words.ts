import { type HandoverWord, noHandover } from "./beat.ts";
import type { HeardPeer } from "./judge.ts";
import type { Policy } from "./policy.ts";
import type { State } from "./state.ts";
import { type Giving, outcomeOf, type Receiving } from "./swap.ts";
import { elapsed, type Instant } from "./time.ts";

/** What this side says of the swap in its beats. */
export function handoverWord(state: State): HandoverWord {
  const { handover, self } = state;
  const connections = self.left?.connections ?? 0;
  const outcome = outcomeOf(handover);
  if (outcome !== undefined) {
    const { id, result, reason } = outcome;
    return { ...noHandover, id, phase: result, reason, connections };
  }
  switch (handover.kind) {
    case "none":
      return noHandover;
    case "wanting":
      return { ...noHandover, id: handover.id, phase: handover.cut ? "wanted-cut" : "wanted" };
    case "giving": {
      const { id, baseline, way } = handover;
      const step = stepInKernel(state, handover);
      const at = way.kind === "drain" && step >= 0 ? { share: way.steps[step] ?? 0, step } : {};
      const said = givingWord(handover, step);
      return { ...noHandover, id, phase: said, ...baseline, ...at, connections };
    }
    case "receiving": {
      const { id, reason, counted, share, step } = handover;
      const said = receivingWord(handover);
      return { id, phase: said, reason, ...counted, share, step: Math.max(step, 0), connections };
    }
  }
}

function givingWord(giving: Giving, step: number): HandoverWord["phase"] {
  switch (giving.phase) {
    case "measuring":
      return "measuring";
    case "prepare":
    case "closing":
    case "release":
      return "prepare";
    case "released":
    case "watching":
      return "released";
    case "diverting":
      return step >= 0 ? "diverting" : "prepare";
    case "listing":
      return "diverting";
    case "telling":
    case "turning":
      return "telling";
    case "moving":
      return "moving";
    case "draining":
      return "draining";
    case "lingering":
      return "done";
    case "recalling":
    case "resetting":
      return "rolled-back";
  }
}

/** A step is said only when it is in the kernel; until then the one before it, or -1. */
function stepInKernel({ self }: State, { way, phase }: Giving): number {
  if (way.kind === "cut") return -1;
  const { diversion } = self;
  const there =
    phase !== "diverting" ||
    (diversion.kind === "share" &&
      diversion.testers.length === way.testers.length &&
      diversion.share === way.steps[way.step]);
  return there ? way.step : way.step - 1;
}

/**
 * Law 6, goodbye follows removal: "returning" is said only once the address was observed absent.
 */
function receivingWord(receiving: Receiving): HandoverWord["phase"] {
  switch (receiving.phase) {
    case "silencing":
    case "rehearsing":
      return "rehearsing";
    case "ready":
      return "ready";
    case "taking":
      return receiving.step > -1 ? "placed" : "ready";
    case "verifying":
    case "returning":
      return "verifying";
    case "returned":
      return "returning";
    case "serving":
    case "proved":
    case "placed":
      return receiving.phase;
    case "keeping":
      return "draining";
    case "receding":
      return "rolled-back";
    case "resetting":
      return "done";
  }
}

/** Of the peer, as the reason for asking whether it lives. */
export function silenceOf({ at, beat }: HeardPeer, now: Instant, { peer }: Policy): string {
  const announced = beat.restarting ? ", as its agent is being restarted" : "";
  const span = Math.round(elapsed(at, now));
  return `${peer} has been silent on every path for ${span} ms${announced}: asking whether it lives`;
}
