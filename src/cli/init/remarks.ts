import { type Place, quoted, shortPlace } from "./place.ts";
import type { Remark } from "./sketch.ts";

/** Why a directive has no counterpart, and what to do; tried in their order. */
export type Reasons = readonly (readonly [directive: RegExp, because: string, instead: string])[];

/** `/etc/ha.d/ha.cf:12: not carried over: auto_failback on, because …; …`. */
export function remarkSentence({ place, what, ...why }: Remark): string {
  return `${place.file}:${place.line}: not carried over: ${what}, ${reason(why)}`;
}

/** The same under a heading that says the rest. */
export function remarkLine({ place, what, ...why }: Remark): string {
  return `${shortPlace(place)}: ${what}, ${reason(why)}`;
}

function reason({ because, instead }: Pick<Remark, "because" | "instead">): string {
  return `because ${because}${instead === "" ? "" : `; ${instead}`}`;
}

export function remark(
  place: Place,
  words: readonly string[],
  because: string,
  instead: string,
): Remark {
  return { place, what: quoted(words), because, instead };
}

/** The remark for a directive that a table knows, or that nobody knows. */
export function explained(reasons: Reasons, place: Place, words: readonly string[]): Remark {
  const [directive = ""] = words;
  const known = reasons.find(([pattern]) => pattern.test(directive));
  if (known === undefined) {
    return remark(place, words, "failover knows nothing of the kind", "look whether it is needed");
  }
  const [, because, instead] = known;
  return remark(place, words, because, instead);
}

/** Each once, in the order of the files' lines. */
export function sorted(remarks: readonly Remark[]): readonly Remark[] {
  const unique = new Map(remarks.map((one) => [remarkSentence(one), one]));
  const files = [...new Set(remarks.map(({ place }) => place.file))];
  return [...unique.values()].sort(
    (one, other) =>
      files.indexOf(one.place.file) - files.indexOf(other.place.file) ||
      one.place.line - other.place.line,
  );
}
