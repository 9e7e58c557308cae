import type { Configuration, NodeConfiguration } from "./configuration.ts";
import { plain, readDocument, type Section, type Value } from "./document.ts";
import { nodeName } from "./formats.ts";
import { nearest, type Problem, quote } from "./problem.ts";
import { brokenRules } from "./rules.ts";
import { nodeSchema, rootSchema } from "./schema.ts";
import {
  type DraftOf,
  isSetting,
  type Refusal,
  type Schema,
  type SettingMaker,
  settingsOf,
  type ValuesOf,
} from "./settings.ts";

export type Parsed =
  | {
      readonly kind: "valid";
      readonly configuration: Configuration;
      /** Of the keys that are written there; `lineOf` finds those that are not. */
      readonly lines: Lines;
    }
  /** In the order of the file; at least one. */
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] };

/** Lines of the file, from 1, by the keys that stand there; "" is the first one. */
export type Lines = ReadonlyMap<string, number>;

/**
 * Reads a whole configuration file; never throws, whatever the text, and finds every problem at
 * once.
 */
export function parseConfiguration(text: string): Parsed {
  const problems: Problem[] = [];
  const document = readDocument(text, problems);
  if (document === undefined) return { kind: "invalid", problems };

  const lines = linesOf(document);
  const unread = new Set(problems.map(({ key }) => key));
  const note = (refusal: Refusal): void => {
    if (refusal.found === "nothing" && unread.has(refusal.key)) return;
    problems.push({ line: lineOf(lines, refusal.key), ...refusal });
  };
  const root = readSection(document, rootSchema, { prefix: "", besides: ["nodes"], note });
  const nodes = readNodes(document, note);
  const mode = lines.has("swap.mode") ? root.swap.mode : undefined;
  for (const refusal of brokenRules({ ...root, swap: { ...root.swap, mode }, nodes }))
    note(refusal);

  if (problems.length > 0) {
    return { kind: "invalid", problems: problems.sort((one, other) => one.line - other.line) };
  }
  // Nothing was refused, so nothing is missing.
  const [first, second] = nodes as readonly [NodeValues, NodeValues];
  const configuration = complete(root as RootValues, [first, second]);
  return { kind: "valid", configuration, lines };
}

type RootValues = ValuesOf<ReturnType<typeof rootSchema>>;
type NodeValues = { readonly name: string } & ValuesOf<ReturnType<typeof nodeSchema>>;
type NodeDraft = { readonly name: string } & DraftOf<ReturnType<typeof nodeSchema>>;

interface Place {
  /** Of the keys within, with its dot: `nodes.primary.`; empty for the file itself. */
  readonly prefix: string;
  /** Keys that somebody else reads. */
  readonly besides: readonly string[];
  readonly note: (refusal: Refusal) => void;
}

function readSection<S extends Schema>(
  section: Section,
  schemaWith: (make: SettingMaker) => S,
  place: Place,
): DraftOf<S> {
  const settings = settingsOf(schemaWith);
  const { draft, refusals } = settings.read(knownOnly(section, settings.schema, place));
  for (const refusal of refusals) place.note({ ...refusal, key: place.prefix + refusal.key });
  return draft;
}

/** What the schema knows; the rest is noted, with the word that was probably meant. */
function knownOnly(section: Section, schema: Schema, { prefix, besides, note }: Place): object {
  const known: Record<string, unknown> = {};
  for (const { key, value } of section.entries) {
    const node = Object.hasOwn(schema, key) ? schema[key] : undefined;
    if (node !== undefined && isSetting(node)) {
      known[key] = plain(value);
    } else if (node !== undefined && value.kind === "section") {
      known[key] = knownOnly(value, node, { prefix: `${prefix}${key}.`, besides: [], note });
    } else if (node !== undefined) {
      const allowed = `a mapping with ${Object.keys(node).join(", ")}`;
      note({ key: prefix + key, found: quote(plain(value)), allowed });
    } else if (!besides.includes(key)) {
      note(unknownKey(prefix, key, [...Object.keys(schema), ...besides]));
    }
  }
  return known;
}

function unknownKey(prefix: string, key: string, known: readonly string[]): Refusal {
  const meant = nearest(key, known);
  const allowed =
    meant === undefined ? `one of ${known.join(", ")}` : `${prefix}${meant} (did you mean that?)`;
  return { key: prefix + key, found: "an unknown key", allowed };
}

function readNodes(document: Section, note: (refusal: Refusal) => void): readonly NodeDraft[] {
  const nodes = document.entries.find(({ key }) => key === "nodes")?.value;
  if (nodes?.kind !== "section") {
    const found = nodes === undefined ? "nothing" : quote(plain(nodes));
    note({ key: "nodes", found, allowed: "a mapping of two names to what each machine is" });
    return [];
  }
  return nodes.entries.map(({ key: name, value }) => {
    const key = `nodes.${name}`;
    if (nodeName.read(name) === undefined) {
      note({ key, found: quote(name), allowed: nodeName.allowed });
    }
    if (value.kind !== "section") {
      note({ key, found: quote(plain(value)), allowed: "a mapping with interface and paths" });
      return { name, interface: undefined, paths: undefined, accessLog: undefined };
    }
    return { name, ...readSection(value, nodeSchema, { prefix: `${key}.`, besides: [], note }) };
  });
}

/**
 * The line of the key, or of the nearest one around it: a missing key is missed where it should be.
 */
export function lineOf(lines: Lines, key: string): number {
  let around = key;
  while (!lines.has(around)) around = around.replace(/(?:^|[.[])[^.[]*$/, "");
  return lines.get(around) ?? 1;
}

function linesOf(document: Section): Lines {
  const lines = new Map<string, number>([["", document.line]]);
  const enter = (value: Value, above: string): void => {
    if (value.kind === "list") {
      for (const [index, item] of value.items.entries()) {
        lines.set(`${above}[${index}]`, item.line);
        enter(item, `${above}[${index}]`);
      }
    }
    if (value.kind === "section") {
      for (const entry of value.entries) {
        const key = above === "" ? entry.key : `${above}.${entry.key}`;
        lines.set(key, entry.line);
        enter(entry.value, key);
      }
    }
  };
  enter(document, "");
  return lines;
}

function complete(
  { address, swap, canary, ...rest }: RootValues,
  [first, second]: readonly [NodeValues, NodeValues],
): Configuration {
  const port = canary.port === "auto" ? (canary.scheme === "https" ? 443 : 80) : canary.port;
  return {
    ...rest,
    addresses: address,
    nodes: [nodeOf(first), nodeOf(second)],
    swap: { ...swap, mode: rest.takeover === "link" ? "cut" : swap.mode },
    canary: { ...canary, port },
  };
}

function nodeOf({ name, interface: device, paths, accessLog }: NodeValues): NodeConfiguration {
  return { name, interface: device, paths, accessLogs: accessLog };
}
