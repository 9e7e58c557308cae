/** What the client saw of one request. Times are milliseconds on CLOCK_MONOTONIC. */
export type Sample = Answer | Failure;

export interface Answer {
  readonly kind: "answer";
  /** When the answer was complete. */
  readonly at: number;
  /** From the request to then. */
  readonly took: number;
  /** The machine that answered, by its own word. */
  readonly who: string;
}

export interface Failure {
  readonly kind: "failure";
  readonly at: number;
  readonly took: number;
  /** An error code of the system, `timeout`, or the status of the response. */
  readonly why: string;
}

/** A span in which no answer came. */
export interface Silence {
  readonly start: number;
  readonly millis: number;
  /** Who answered last before it and first after it; undefined where nobody did within the span looked at. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

export function answersIn(samples: readonly Sample[], { from, to }: Span): Answer[] {
  return samples
    .filter((sample) => sample.kind === "answer")
    .filter(({ at }) => at >= from && at <= to)
    .toSorted((one, next) => one.at - next.at);
}

/** The requests that were begun within the span, whenever they ended. */
export function begunIn(samples: readonly Sample[], { from, to }: Span): Sample[] {
  return samples.filter(({ at, took }) => at - took >= from && at - took <= to);
}

/** The longest silence within the span, its edges included: a service that is not back is silent to the end. */
export function longestSilence(samples: readonly Sample[], span: Span): Silence {
  const answers = answersIn(samples, span);
  let longest: Silence = { start: span.from, millis: 0, before: undefined, after: undefined };
  for (let next = 0; next <= answers.length; next += 1) {
    const before = answers[next - 1];
    const after = answers[next];
    const start = before?.at ?? span.from;
    const millis = (after?.at ?? span.to) - start;
    if (millis > longest.millis) {
      longest = { start, millis, before: before?.who, after: after?.who };
    }
  }
  return longest;
}

/**
 * From the last answer of one machine to the first of the other: the outage of a takeover or a swap.
 * Undefined where the other never answered after it.
 */
export function changeover(
  samples: readonly Sample[],
  from: string,
  to: string,
  span: Span,
): Silence | undefined {
  const answers = answersIn(samples, span);
  const last = answers.findLast(({ who }) => who === from);
  if (last === undefined) return undefined;
  const first = answers.find(({ who, at }) => who === to && at > last.at);
  if (first === undefined) return undefined;
  return { start: last.at, millis: first.at - last.at, before: from, after: to };
}
