import type { Place } from "./place.ts";
import { shortPlace } from "./place.ts";
import { remark } from "./remarks.ts";
import type { Remark, Said } from "./sketch.ts";

/** A span of a foreign file. */
export interface Span {
  readonly millis: number;
  readonly place: Place;
  /** The line that says it. */
  readonly words: readonly string[];
}

/** What our configuration allows, in milliseconds. */
const bounds = {
  interval: [10, 10_000],
  deadTime: [13, 300_000],
  bootTime: [0, 600_000],
} as const;

export interface Timers {
  readonly interval: Said | undefined;
  readonly deadTime: Said | undefined;
  readonly remarks: readonly Remark[];
}

/**
 * An interval with the silence that it allows: a deadTime that is not given is three intervals, as
 * everywhere; one below 1.3 intervals would call one late beat a death.
 */
export function timersOf(interval: Span | undefined, deadTime: Span | undefined): Timers {
  const beat = interval && fitted("interval", interval);
  const dead = deadTime && fitted("deadTime", deadTime);
  const remarks = [...(beat?.remarks ?? []), ...(dead?.remarks ?? [])];
  const least = Math.ceil(1.3 * (beat?.millis ?? defaults.interval));
  if (dead !== undefined && deadTime !== undefined && dead.millis < least) {
    const because = `a silence below ${duration(least)} would be one late beat`;
    const used = `deadTime is ${duration(least)}`;
    return {
      interval: beat?.said,
      deadTime: { value: duration(least), origin: "1.3 intervals" },
      remarks: [...remarks, remark(deadTime.place, deadTime.words, because, used)],
    };
  }
  const three = beat && {
    value: duration(3 * beat.millis),
    origin: "three intervals; the default is 300ms",
  };
  return { interval: beat?.said, deadTime: dead?.said ?? three, remarks };
}

export function bootTimeOf(span: Span | undefined): Pick<Fitted, "said" | "remarks"> | undefined {
  return span && fitted("bootTime", span);
}

/** `1500ms`, `2s`: as our configuration writes it. */
function duration(millis: number): string {
  const whole = Math.round(millis);
  return whole % 1000 === 0 ? `${whole / 1000}s` : `${whole}ms`;
}

/** Those of the configuration, in milliseconds. */
const defaults = { interval: 100, deadTime: 300, bootTime: 5000 } as const;

interface Fitted {
  readonly millis: number;
  readonly said: Said;
  readonly remarks: readonly Remark[];
}

function fitted(key: keyof typeof bounds, { millis, place, words }: Span): Fitted {
  const [least, most] = bounds[key];
  const value = Math.min(most, Math.max(least, Math.round(millis)));
  const origin = `${shortPlace(place)}; the default is ${duration(defaults[key])}`;
  const said = { value: duration(value), origin };
  if (value === Math.round(millis)) return { millis: value, said, remarks: [] };
  const because = `${key} is from ${duration(least)} to ${duration(most)} here`;
  const remarks = [remark(place, words, because, `it is ${duration(value)}`)];
  return { millis: value, said, remarks };
}
