import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
} from "yaml";

import { type Problem, quote } from "./problem.ts";

/**
 * The file as texts, lists and sections, each with its line. YAML's own types stay out of it (the
 * failsafe schema): `pair: on` is the word "on", a node may be called 1, and what a text means is
 * decided by the format of its key, which also quotes it as it was written.
 */
export type Value =
  | { readonly kind: "text"; readonly line: number; readonly text: string }
  | { readonly kind: "list"; readonly line: number; readonly items: readonly Value[] }
  | Section;

export interface Section {
  readonly kind: "section";
  readonly line: number;
  readonly entries: readonly Entry[];
}

export interface Entry {
  readonly key: string;
  readonly line: number;
  readonly value: Value;
}

/** Undefined when the text is no YAML or no mapping: then what is missing in it says nothing. */
export function readDocument(text: string, problems: Problem[]): Section | undefined {
  const lines = new LineCounter();
  const lineAt = (offset: number): number => Math.max(1, lines.linePos(offset).line);
  const document = parseDocument(text, {
    schema: "failsafe",
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: "error",
  });
  for (const { pos, message } of document.errors) {
    const line = lineAt(pos[0]);
    // Whatever else is broken on a line is a consequence.
    if (problems.at(-1)?.line === line) continue;
    const said = message.replace(/\s+/g, " ").replace(/;.*$/, "");
    problems.push({ line, key: "", found: "broken YAML", allowed: `YAML (${said})` });
  }
  if (problems.length > 0) return undefined;
  const root =
    document.contents === null
      ? undefined
      : new Reader(lineAt, problems).value(document.contents, "", 0);
  if (root?.kind === "section") return root;
  const found = root === undefined ? "nothing" : quote(plain(root));
  problems.push({
    line: 1,
    key: "",
    found,
    allowed: "a mapping with the keys of failover.yaml(5)",
  });
  return undefined;
}

/** Without lines, as convict takes it. */
export function plain(value: Value): unknown {
  switch (value.kind) {
    case "text":
      return value.text;
    case "list":
      return value.items.map(plain);
    case "section":
      return Object.fromEntries(value.entries.map(({ key, value: inner }) => [key, plain(inner)]));
  }
}

/** Deeper than any key of ours, and shallow enough for the stack. */
const depthMax = 8;

class Reader {
  readonly #lineAt: (offset: number) => number;
  readonly #problems: Problem[];

  constructor(lineAt: (offset: number) => number, problems: Problem[]) {
    this.#lineAt = lineAt;
    this.#problems = problems;
  }

  value(node: Node, key: string, depth: number): Value {
    const line = this.#lineOf(node);
    if (depth > depthMax) return this.#refuse(line, key, "a nesting too deep", "fewer levels");
    // An alias could stand for itself, or multiply a short file beyond memory.
    if (isAlias(node)) return this.#refuse(line, key, "an alias", "the value itself");
    if (isSeq<Node>(node)) {
      const items = node.items.map((item, index) =>
        this.value(item, `${key}[${index}]`, depth + 1),
      );
      return { kind: "list", line, items };
    }
    if (isMap<Node, Node | null>(node)) {
      return { kind: "section", line, entries: this.#entries(node.items, key, depth) };
    }
    return { kind: "text", line, text: textOf(node) };
  }

  #entries(pairs: readonly Pair<Node, Node | null>[], above: string, depth: number): Entry[] {
    const entries = new Map<string, Entry>();
    for (const { key: name, value } of pairs) {
      const line = this.#lineOf(name);
      if (!isScalar(name)) {
        this.#refuse(line, above, "a key that is not a word", "words as keys");
        continue;
      }
      const key = textOf(name);
      const path = above === "" ? key : `${above}.${key}`;
      const earlier = entries.get(key);
      if (earlier !== undefined) {
        this.#refuse(line, path, `a second one after line ${earlier.line}`, "each key once");
        continue;
      }
      const nothing: Value = { kind: "text", line, text: "" };
      entries.set(key, {
        key,
        line,
        value: value === null ? nothing : this.value(value, path, depth + 1),
      });
    }
    return [...entries.values()];
  }

  #lineOf(node: Node): number {
    return this.#lineAt(node.range?.[0] ?? 0);
  }

  #refuse(line: number, key: string, found: string, allowed: string): Value {
    this.#problems.push({ line, key, found, allowed });
    return { kind: "text", line, text: "" };
  }
}

/** Under the failsafe schema a scalar is a string, or null where nothing is written. */
function textOf(node: Node): string {
  return isScalar(node) && typeof node.value === "string" ? node.value : "";
}
