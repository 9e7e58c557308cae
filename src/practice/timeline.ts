import { answersIn, type Sample, type Span } from "./samples.ts";

export interface TimelineOptions {
  /** Cells to draw. Default 60. */
  readonly width?: number;
  /** Block characters; else plain ASCII. Default true. */
  readonly unicode?: boolean;
  /** The order in which machines get their shades. Default: in which they answered. */
  readonly machines?: readonly string[];
  /** A stretch longer than this without an answer is drawn as a gap, milliseconds. Default 30. */
  readonly darkAfter?: number;
}

/**
 * Who answered the client over a span, as one line: `primary ████████······▓▓▓▓▓ backup`. Every
 * machine has a shade of its own; a dot is nobody.
 */
export function drawTimeline(
  samples: readonly Sample[],
  span: Span,
  { width = 60, unicode = true, machines = [], darkAfter = 30 }: TimelineOptions = {},
): string {
  const answers = answersIn(samples, span);
  const names = [...new Set([...machines, ...answers.map(({ who }) => who)])];
  const shades = unicode ? ["█", "▓", "░"] : ["#", "=", "-"];
  const dark = unicode ? "·" : ".";
  const lit = litStretches(samples, span, darkAfter);
  const cell = (span.to - span.from) / width;
  const line = Array.from({ length: width }, (_, index) => {
    const middle = span.from + (index + 0.5) * cell;
    const who = lit.find(({ from, to }) => from <= middle && middle <= to)?.who;
    return who === undefined ? dark : shades[names.indexOf(who) % shades.length];
  });
  const first = answers[0]?.who ?? "nobody";
  const last = answers.at(-1)?.who ?? "nobody";
  return [first, line.join(""), ...(last === first ? [] : [last])].join(" ");
}

interface Stretch extends Span {
  readonly who: string;
}

/** An answer lights the time before it, back to the answer before, unless that is too long ago. */
function litStretches(samples: readonly Sample[], span: Span, darkAfter: number): Stretch[] {
  const answers = answersIn(samples, span);
  const stretches = answers.map(({ at, who }, index): Stretch => {
    const previous = answers[index - 1]?.at ?? span.from;
    return { from: at - previous > darkAfter ? at : previous, to: at, who };
  });
  const last = answers.at(-1);
  if (last !== undefined && span.to - last.at <= darkAfter) {
    stretches.push({ from: last.at, to: span.to, who: last.who });
  }
  return stretches;
}
