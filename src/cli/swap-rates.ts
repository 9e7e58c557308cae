import type { HandoverPhase } from "../core/beat.ts";
import type { HandoverStatus, Status, TrafficCounts } from "./status.ts";

/** Of requests that were answered, in a second. */
export interface Rate {
  readonly requests: number;
  readonly errors: number;
}

/** What both machines serve while a swap goes on; null: not known on the machine that is asked. */
export interface Rates {
  readonly from: Rate | null;
  readonly to: Rate | null;
}

/** The target's count when its rate was last told, and how old the swap was then, in milliseconds. */
export interface Mark {
  readonly age: number;
  readonly requests: number;
  readonly errors: number;
}

export interface Measured {
  readonly rates: Rates;
  readonly mark: Mark | null;
}

export const notMeasured: Measured = { rates: { from: null, to: null }, mark: null };

/** A rate that jumps is not read by anybody. */
const markMillis = 2000;

/** The target tells in its beats what it counts, and only until it takes the address. */
const counting: readonly HandoverPhase[] = ["diverting", "serving", "proved"];

/**
 * A machine knows what it serves by its own access_log, and of the other one what that one counts for the
 * proof: told on the holder that is both of them.
 */
export function measuredAfter(
  before: Measured,
  { node, traffic }: Pick<Status, "node" | "traffic">,
  handover: HandoverStatus,
): Measured {
  const own = traffic === null ? null : perSecond(traffic, traffic.span);
  if (node === handover.to) return { rates: { from: null, to: own }, mark: null };
  const { served, age, phase } = handover;
  if (served === null || !counting.includes(phase))
    return { rates: { from: own, to: null }, mark: null };
  const { requests, errors } = served;
  const mark = { age, requests, errors };
  // Each step counts from zero.
  if (before.mark === null || requests < before.mark.requests)
    return { rates: { from: own, to: null }, mark };
  const span = age - before.mark.age;
  if (span < markMillis) return { rates: { from: own, to: before.rates.to }, mark: before.mark };
  const since = {
    requests: requests - before.mark.requests,
    errors: Math.max(0, errors - before.mark.errors),
  };
  return { rates: { from: own, to: perSecond(since, span) }, mark };
}

/** With one digit after the point. */
function perSecond({ requests, errors }: Omit<TrafficCounts, "span">, span: number): Rate | null {
  const rate = (count: number): number => Math.round((count * 10_000) / span) / 10;
  return span > 0 ? { requests: rate(requests), errors: rate(errors) } : null;
}
