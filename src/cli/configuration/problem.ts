/** One thing that is wrong with the configuration, with all that is needed to mend it. */
export interface Problem {
  /** Line of the file, from 1. */
  readonly line: number;
  /** Where in the file, `nodes.primary.paths[1]`; empty: the file as a whole. */
  readonly key: string;
  /** As written, or "nothing", "a list", "a mapping". */
  readonly found: string;
  /** In words that follow "allowed is". */
  readonly allowed: string;
}

/**
 * `line 7: interval: found "100", allowed is a duration from 10ms to 10s, such as 250ms, 2s or 5m`.
 */
export function problemSentence({ line, key, found, allowed }: Problem): string {
  return `line ${line}: ${key === "" ? "" : `${key}: `}found ${found}, allowed is ${allowed}`;
}

/** How a value found is named in a problem; long ones are cut, control characters escaped. */
export function quote(value: unknown): string {
  if (value === null || value === undefined || value === "") return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value !== "string") return "a mapping";
  const short = JSON.stringify(value.length > 60 ? `${value.slice(0, 59)}…` : value);
  return short.replace(/\p{Cc}/gu, (control) => `\\u00${control.charCodeAt(0).toString(16)}`);
}

/**
 * The known word that was probably meant: at most two letters away, and nearer than a third of it.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: distance(word.toLowerCase(), candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.min(2, Math.ceil(candidate.length / 3)))
    .sort((one, other) => one.distance - other.distance);
  return ranked[0]?.candidate;
}

/** Levenshtein's, with case ignored; words much longer than any key are not worth the work. */
function distance(from: string, to: string): number {
  if (from.length > 40) return from.length;
  const target = to.toLowerCase();
  let row = Array.from({ length: target.length + 1 }, (_, column) => column);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= target.length; j++) {
      const change = from[i - 1] === target[j - 1] ? 0 : 1;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + change));
    }
    row = next;
  }
  return row[target.length] ?? 0;
}
