import { type HandoverId, type HandoverPhase, handoverPhases } from "../core/beat.ts";
import { counted } from "../core/counted.ts";
import type { HandoverEnd, HandoverStatus, Status, TrafficCounts } from "./status.ts";
import { type Measured, measuredAfter, notMeasured, type Rate } from "./swap-rates.ts";
import { countWords, percent } from "./status-text.ts";

/** A handover as far as its stream of statuses has told it. */
export interface Progress {
  readonly from: string;
  readonly to: string;
  /** The furthest phase on the way to done. */
  readonly reached: HandoverPhase;
  /** The proof did not come, and the first holder is about to serve again. */
  readonly returning: boolean;
  readonly baseline: TrafficCounts | null;
  readonly served: TrafficCounts | null;
  readonly mode: HandoverStatus["mode"];
  readonly share: number;
  readonly connections: HandoverStatus["connections"];
  readonly stragglers: HandoverStatus["stragglers"];
  /** What both serve now, and from where the next rate is measured. */
  readonly measured: Measured;
  readonly minRequests: number;
  readonly end: Pick<HandoverEnd, "outcome" | "reason"> | undefined;
}

/** One line of the list that an administrator watches. */
export interface Step {
  readonly title: string;
  readonly state: "waiting" | "going on" | "done" | "failed";
  /** Counts and reasons; empty where there are none. */
  readonly detail: string;
}

export function beginProgress(from: string, to: string, minRequests: number): Progress {
  return {
    from,
    to,
    reached: "wanted",
    returning: false,
    baseline: null,
    served: null,
    mode: "cut",
    share: 0,
    connections: { from: null, to: null },
    stragglers: null,
    measured: notMeasured,
    minRequests,
    end: undefined,
  };
}

/**
 * What one more status says of the handover with this id; the same object when it says nothing new.
 */
export function progressAfter(progress: Progress, status: Status, id: HandoverId): Progress {
  const { handover, lastHandover } = status;
  if (lastHandover?.id === id) {
    const { outcome, reason, served } = lastHandover;
    return ended({ ...progress, served: served ?? progress.served }, { outcome, reason });
  }
  if (handover?.id !== id) return progress;
  const { phase, reason } = handover;
  if (phase === "done" || phase === "refused" || phase === "rolled-back") {
    return ended(progress, { outcome: phase, reason });
  }
  const measured = measuredAfter(progress.measured, status, handover);
  const next: Progress = { ...progress, ...told(progress, handover), measured };
  return JSON.stringify(next) === JSON.stringify(progress) ? progress : next;
}

/**
 * A share or a preview went home because the time that was asked for had passed, in the words of the core
 * (src/core/draining.ts): nothing has failed.
 */
export const isTimeOver = (end: Progress["end"]): boolean =>
  end?.outcome === "rolled-back" && end.reason === "its time is over";

/** Title, and what is shown beside it; done once the phase is reached. */
type Title = readonly [until: HandoverPhase, title: string, detail: string];

/** The steps of a swap, each with where it stands. */
export function stepsOf(progress: Progress): readonly Step[] {
  const { from, returning, end } = progress;
  const titles = progress.mode === "cut" ? cutTitles(progress) : drainTitles(progress);
  const rolledBack = returning || end?.outcome === "rolled-back";
  const current = titles.findIndex(([until]) => rank(progress.reached) < rank(until));
  const steps = titles.map(([, title, detail], index): Step => {
    if (current < 0 || index < current) return { title, state: "done", detail };
    if (index > current) return { title, state: "waiting", detail: "" };
    if (isTimeOver(end)) return { title, state: "done", detail };
    const failed = rolledBack || end?.outcome === "refused";
    return { title, state: failed ? "failed" : "going on", detail };
  });
  if (!rolledBack) return steps;
  const state = end === undefined ? "going on" : "done";
  return [...steps, { title: `${from} serves again`, state, detail: "" }];
}

/** What each machine serves now, where it is known, for whoever watches. */
export function rateLines({ from, to, mode, connections, measured }: Progress): readonly string[] {
  const { rates } = measured;
  const width = Math.max(from.length, to.length);
  const line = (node: string, rate: Rate | null, open: number | null): readonly string[] => {
    if (rate === null) return [];
    const left = mode === "cut" || open === null ? "" : `, ${counted(open, "connection")}`;
    return [`${node.padEnd(width)}  ${rate.requests} requests/s, ${rate.errors} errors/s${left}`];
  };
  return [...line(from, rates.from, connections.from), ...line(to, rates.to, connections.to)];
}

function cutTitles({ from, to, baseline, served, minRequests }: Progress): readonly Title[] {
  return [
    ["prepare", `${from} measures what it serves`, baseline === null ? "" : countWords(baseline)],
    ["ready", `${to} gets ready, unseen`, ""],
    ["released", `${from} lets the address go`, ""],
    ["verifying", `${to} takes the address`, ""],
    ["done", `${to} serves`, served === null ? "" : countWords(served, minRequests)],
  ];
}

function drainTitles(progress: Progress): readonly Title[] {
  const { from, to, baseline, served, minRequests, share, connections, stragglers } = progress;
  const handed = `${percent(share)} of new connections`;
  const proof = served === null ? "" : `, ${countWords(served, minRequests)}`;
  const known = [
    ...(connections.from === null ? [] : [counted(connections.from, "connection")]),
    ...(stragglers === null ? [] : [counted(stragglers, "straggler")]),
  ];
  const left = known.length === 0 ? "" : `${known.join(", ")} left`;
  return [
    ["prepare", `${from} measures what it serves`, baseline === null ? "" : countWords(baseline)],
    ["diverting", `${to} gets ready, unseen`, ""],
    ["telling", `${to} serves what is new`, `${handed}${proof}`],
    ["draining", `${to} takes the address`, ""],
    ["done", `${from} ends what it has`, left],
  ];
}

function told(progress: Progress, handover: HandoverStatus): Partial<Progress> {
  const { phase, baseline, served } = handover;
  return {
    reached:
      phase !== "returning" && rank(phase) > rank(progress.reached) ? phase : progress.reached,
    returning: progress.returning || phase === "returning",
    baseline: baseline ?? progress.baseline,
    served: served ?? progress.served,
    mode: handover.mode,
    share: handover.share,
    connections: handover.connections,
    stragglers: handover.stragglers,
  };
}

function ended(progress: Progress, end: NonNullable<Progress["end"]>): Progress {
  if (progress.end !== undefined) return progress;
  return { ...progress, reached: end.outcome === "done" ? "done" : progress.reached, end };
}

function rank(phase: HandoverPhase): number {
  return handoverPhases.indexOf(phase);
}
