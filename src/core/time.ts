/**
 * Monotonic time, told from outside. An Instant is a point on this machine's monotonic clock, a Millis
 * a span; both are milliseconds, fractions allowed. Only this file casts, so that adding two instants
 * never compiles. Wall-clock time does not exist in the core: it is printed, never compared.
 */

declare const unit: unique symbol;

export type Instant = number & { readonly [unit]: "Instant" };
export type Millis = number & { readonly [unit]: "Millis" };

export const instant = (millisSinceOrigin: number): Instant => millisSinceOrigin as Instant;
export const millis = (span: number): Millis => span as Millis;

export const after = (at: Instant, wait: Millis): Instant => (at + wait) as Instant;
export const before = (at: Instant, span: Millis): Instant => (at - span) as Instant;
export const elapsed = (since: Instant, now: Instant): Millis => (now - since) as Millis;
export const times = (span: Millis, factor: number): Millis => (span * factor) as Millis;
export const plus = (one: Millis, other: Millis): Millis => (one + other) as Millis;

/** An instant that never comes. */
export const never: Instant = Number.POSITIVE_INFINITY as Instant;

export const earliest = (...instants: readonly Instant[]): Instant =>
  Math.min(Number.POSITIVE_INFINITY, ...instants) as Instant;
export const latest = (...instants: readonly Instant[]): Instant =>
  Math.max(Number.NEGATIVE_INFINITY, ...instants) as Instant;

/** Busy machines are late by some milliseconds all the time; this is well below any patience. */
export const lateAfter = millis(10);
