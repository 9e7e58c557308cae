import { oneLine } from "../logging.ts";
import type { Paint } from "../terminal.ts";
import {
  configurationFact,
  type Fact,
  type FactKind,
  factKinds,
  type Fingerprint,
} from "./fingerprint.ts";

/** Two fingerprints side by side: what differs, and nothing else. */
export interface Drift {
  readonly here: string;
  readonly there: string;
  /** When the other fingerprint was made, by the clock over there. */
  readonly thereAt: string;
  /** How many facts were compared. */
  readonly compared: number;
  readonly differences: readonly Difference[];
}

export interface Difference {
  readonly kind: FactKind;
  readonly name: string;
  /** Null: that machine has no such thing. */
  readonly here: string | null;
  readonly there: string | null;
  /** The agents compare it as well, and move nothing while it differs. */
  readonly refuses: boolean;
}

export function compareFingerprints(here: Fingerprint, there: Fingerprint): Drift {
  const [ours, theirs] = [byKey(here), byKey(there)];
  const keys = [...new Set([...ours.keys(), ...theirs.keys()])];
  const differences = keys.flatMap((key): Difference[] => {
    const [mine, other] = [ours.get(key), theirs.get(key)];
    const fact = mine ?? other;
    if (fact === undefined || mine?.value === other?.value) return [];
    const { kind, name } = fact;
    const refuses = kind === "failover" && name === configurationFact;
    return [{ kind, name, here: mine?.value ?? null, there: other?.value ?? null, refuses }];
  });
  return {
    here: here.node,
    there: there.node,
    thereAt: there.at,
    compared: keys.length,
    differences: differences.sort(inOrder),
  };
}

function byKey({ facts }: Fingerprint): ReadonlyMap<string, Fact> {
  return new Map(facts.map((fact) => [`${fact.kind} ${fact.name}`, fact]));
}

function inOrder(one: Difference, other: Difference): number {
  const rank = factKinds.indexOf(one.kind) - factKinds.indexOf(other.kind);
  return rank !== 0 ? rank : one.name < other.name ? -1 : 1;
}

/** Of each kind: a tree that differs throughout says no more with a thousand lines. */
const linesMax = 30;
const widthMax = 44;

/** A table with the machines as columns; empty where nothing differs. */
export function driftLines({ here, there, differences }: Drift, paint: Paint): readonly string[] {
  if (differences.length === 0) return [];
  const shown = factKinds.flatMap((kind) =>
    differences.filter((one) => one.kind === kind).slice(0, linesMax),
  );
  const rows = shown.map(({ kind, name, here: ours, there: theirs, refuses }) => ({
    cells: [kind, oneLine(name), short(ours), short(theirs)],
    refuses,
  }));
  const header = ["", "", here, there];
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map(({ cells }) => (cells[column] ?? "").length)),
  );
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
  const left = differences.length - shown.length;
  return [
    paint("bold", line(header).trimEnd()),
    ...rows.map(({ cells, refuses }) =>
      refuses ? `${line(cells)}  ${paint("red", "promote would refuse")}` : line(cells).trimEnd(),
    ),
    ...(left === 0 ? [] : [`and ${left} more: --json has them all`]),
  ];
}

/** A digest is told apart by its first digits. */
function short(value: string | null): string {
  if (value === null) return "—";
  const text = oneLine(value).replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, "$1…");
  return text.length <= widthMax ? text : `${text.slice(0, widthMax - 1)}…`;
}
