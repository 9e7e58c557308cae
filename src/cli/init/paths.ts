import { type Place, quoted, shortPlace } from "./place.ts";
import { remark } from "./remarks.ts";
import type { Remark, Said } from "./sketch.ts";

/** A line of a foreign file that says where the machines hear each other. */
export interface Medium {
  readonly place: Place;
  readonly words: readonly string[];
  /** Empty where the line names none. */
  readonly device: string;
  /** The addresses of the first and the second node on it, canonical; undefined: not known. */
  readonly ends: readonly [string | undefined, string | undefined];
  /** What to know about them, for the comment beside; empty: nothing. */
  readonly doubt: string;
}

export interface Paths {
  readonly first: readonly Said[];
  readonly second: readonly Said[];
  /** What is known of paths while none is known whole. */
  readonly hints: readonly string[];
  readonly remarks: readonly Remark[];
}

const pathsMax = 8;

/**
 * Pairs of addresses, one a medium. A medium of which one end is known is no path: it is a hint where
 * there is nothing better, otherwise a remark. `moving`: addresses that are no place to be heard at.
 */
export function pathsOf(media: readonly Medium[], moving: readonly string[]): Paths {
  const first: Said[] = [];
  const second: Said[] = [];
  const hints: string[] = [];
  const remarks: Remark[] = [];
  const used = new Set(moving);
  const halves: Medium[] = [];
  for (const medium of media) {
    const [one, other] = medium.ends;
    if (one === undefined || other === undefined) {
      halves.push(medium);
      continue;
    }
    const refusal = whyNoPath(one, other, used, first.length);
    if (refusal !== undefined) {
      remarks.push(remark(medium.place, medium.words, refusal, "look at paths of both nodes"));
      continue;
    }
    const origin = `${shortPlace(medium.place)}${medium.doubt}`;
    first.push({ value: one, origin });
    second.push({ value: other, origin });
    used.add(one).add(other);
  }
  for (const { place, words, device, ends } of halves) {
    const known = ends[0] ?? ends[1];
    if (first.length === 0) hints.push(hintOf(place, words, device, known));
    else remarks.push(remark(place, words, missingEnd, "add it to paths of both nodes"));
  }
  return { first, second, hints: [...new Set(hints)], remarks };
}

const missingEnd = "it does not tell the addresses of both machines there";

function whyNoPath(
  one: string,
  other: string,
  used: ReadonlySet<string>,
  count: number,
): string | undefined {
  if (one === other) return "both ends have one address";
  if (one.includes(":") !== other.includes(":")) return "its ends are IPv4 and IPv6";
  const again = [one, other].find((address) => used.has(address));
  if (again !== undefined) return `${again} is in use already`;
  return count >= pathsMax ? `there are ${pathsMax} paths already` : undefined;
}

function hintOf(
  place: Place,
  words: readonly string[],
  device: string,
  known: string | undefined,
): string {
  const said = `${shortPlace(place)} says ${quoted(words)}`;
  if (known === undefined) return said;
  return `${said}; one machine probably has ${known}${device === "" ? "" : ` on ${device}`}`;
}
