import type { Age } from "./status.ts";

/**
 * A span of milliseconds as people say it: `34 ms`, `1.2 s`, `4 min 2 s`, `3 h 5 min`, `2 d 3 h`.
 */
export function span(millis: number): string {
  if (millis < 1000) return `${Math.round(millis)} ms`;
  const seconds = millis / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const [days, hours, minutes] = [seconds / 86_400, (seconds / 3600) % 24, (seconds / 60) % 60];
  if (days >= 1) return `${Math.floor(days)} d ${Math.floor(hours)} h`;
  if (hours >= 1) return `${Math.floor(hours)} h ${Math.floor(minutes)} min`;
  return `${Math.floor(minutes)} min ${Math.floor(seconds % 60)} s`;
}

/** Reads `90s`, `5m`, `2h` or `7d` as milliseconds; undefined for anything else. */
export function readSpan(text: string): number | undefined {
  const match = /^(\d{1,6})(s|m|h|d)$/.exec(text);
  if (match === null) return undefined;
  const unit = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[
    match[2] as "s" | "m" | "h" | "d"
  ];
  return Number(match[1]) * unit;
}

/** `heard 34 ms ago`, or `never heard`. */
export function happened(what: string, age: Age): string {
  return age === null ? `never ${what}` : `${what} ${span(age)} ago`;
}
