import { type Place, unreadable } from "./place.ts";
import { remark } from "./remarks.ts";
import type { Remark } from "./sketch.ts";
import { Substitution } from "./substitution.ts";

/** A line of keepalived.conf, with the block that it opens. */
export interface Statement {
  readonly place: Place;
  /** Without quotes. */
  readonly words: readonly string[];
  readonly body: readonly Statement[] | undefined;
}

export interface SourceText {
  readonly file: string;
  readonly text: string;
}

/** The files that an include names; none: there is no such file. */
export type ReadIncluded = (pattern: string, from: string) => readonly SourceText[];

export interface Tree {
  readonly statements: readonly Statement[];
  readonly remarks: readonly Remark[];
}

/** Deeper than anything that keepalived knows, and shallow enough for the stack. */
const depthMax = 16;
const filesMax = 256;

/**
 * The blocks of a file and of all that it includes, as the machine with this configuration id reads
 * them (keepalived.conf(5), keepalived -i): a line that begins with `@id` is for that machine alone, one
 * with `@^id` for all others. Throws a Failure with file and line where braces or quotes are not closed.
 */
export function readTree(source: SourceText, id: string, included: ReadIncluded): Tree {
  const reader = new TreeReader(id, included);
  reader.read(source, 0);
  return { statements: reader.end(source.file), remarks: reader.remarks };
}

/** The machines that lines are kept for, in the order of the file. */
export function configurationIds(source: SourceText, included: ReadIncluded): readonly Named[] {
  const found = new Map<string, Named>();
  let files = 0;
  const look = ({ file, text }: SourceText): void => {
    files += 1;
    for (const [index, row] of text.split("\n").entries()) {
      const id = /^\s*@\^?([^\s^]+)/.exec(row)?.[1];
      if (id !== undefined && !found.has(id))
        found.set(id, { id, place: { file, line: index + 1 } });
      const pattern = includePattern(row.replace(/^\s*@\S*/, ""));
      if (pattern === undefined) continue;
      for (const inner of included(pattern, file)) if (files <= filesMax) look(inner);
    }
  };
  look(source);
  return [...found.values()];
}

export interface Named {
  readonly id: string;
  readonly place: Place;
}

interface OpenBlock {
  readonly place: Place;
  readonly words: readonly string[];
  readonly statements: Statement[];
}

class TreeReader {
  readonly remarks: Remark[] = [];
  readonly #id: string;
  readonly #included: ReadIncluded;
  readonly #substitution = new Substitution();
  readonly #open: OpenBlock[] = [];
  readonly #root: Statement[] = [];
  #files = 0;

  constructor(id: string, included: ReadIncluded) {
    this.#id = id;
    this.#included = included;
  }

  read({ file, text }: SourceText, depth: number): void {
    this.#files += 1;
    const rows = text.split(/\r?\n/);
    for (let index = 0; index < rows.length; index += 1) {
      const place = { file, line: index + 1 };
      let row = rows[index] ?? "";
      while (/\\\s*$/.test(row) && index + 1 < rows.length) {
        index += 1;
        row = row.replace(/\\\s*$/, " ") + (rows[index] ?? "");
      }
      const said = this.#said(row);
      if (said === undefined) continue;
      const pattern = includePattern(said);
      if (pattern === undefined) this.#line(said, place);
      else this.#include(pattern, place, depth);
    }
  }

  /** A line as this machine reads it; undefined: it is for another one. */
  #said(row: string): string | undefined {
    const conditional = /^\s*@(\^?)(\S*)\s?(.*)$/s.exec(row);
    if (conditional === null) return row;
    const [, others, id, rest = ""] = conditional;
    return (id === this.#id) === (others === "^") ? undefined : rest;
  }

  end(file: string): readonly Statement[] {
    const unclosed = this.#open.at(-1);
    if (unclosed === undefined) return this.#root;
    throw unreadable(
      unclosed.place,
      `the block ${unclosed.words[0] ?? ""} is not closed in ${file}`,
    );
  }

  #include(pattern: string, place: Place, depth: number): void {
    const files = this.#included(pattern, place.file);
    if (files.length === 0) {
      const because = "there is no such file, or it cannot be read";
      this.remarks.push(remark(place, ["include", pattern], because, "convert the whole of it"));
    }
    if (depth >= depthMax || this.#files + files.length > filesMax)
      throw unreadable(place, "the files include each other without an end");
    for (const inner of files) this.read(inner, depth + 1);
  }

  #line(said: string, place: Place): void {
    if (this.#substitution.define(said)) return;
    const line = this.#substitution.apply(said);
    if (line === undefined) throw unreadable(place, "its parameters stand for each other");
    this.#tokens(tokensOf(line, place), place);
  }

  /** `a b {`, `}`, `group { one two }`, and a `{` on a line of its own. */
  #tokens(tokens: readonly Token[], place: Place): void {
    let words: string[] = [];
    const flush = (): void => {
      if (words.length > 0) this.#add({ place, words, body: undefined });
      words = [];
    };
    for (const { text, brace } of tokens) {
      if (!brace) words.push(text);
      else if (text === "{") {
        this.#enter(words, place);
        words = [];
      } else {
        flush();
        this.#leave(place);
      }
    }
    flush();
  }

  #enter(words: readonly string[], place: Place): void {
    if (this.#open.length >= depthMax) throw unreadable(place, "its blocks are nested too deep");
    const block = words.length > 0 ? { words, place } : this.#takeLast();
    if (block === undefined) throw unreadable(place, "a { opens a block without a name");
    this.#open.push({ ...block, statements: [] });
  }

  /** The line before was the name of the block that begins now. */
  #takeLast(): Pick<Statement, "words" | "place"> | undefined {
    const statements = this.#open.at(-1)?.statements ?? this.#root;
    return statements.at(-1)?.body === undefined ? statements.pop() : undefined;
  }

  #leave(place: Place): void {
    const block = this.#open.pop();
    if (block === undefined) throw unreadable(place, "a } closes nothing");
    this.#add({ place: block.place, words: block.words, body: block.statements });
  }

  #add(statement: Statement): void {
    (this.#open.at(-1)?.statements ?? this.#root).push(statement);
  }
}

/** include, includer, includem, includew, includeb, includea: they differ in what they complain of. */
function includePattern(row: string): string | undefined {
  return /^\s*include[rmwba]?\s+([^\s#!]+)/.exec(row)?.[1];
}

interface Token {
  readonly text: string;
  /** A brace outside quotes. */
  readonly brace: boolean;
}

/** Words, braces; `#` and `!` begin a comment anywhere but in quotes; `a"b c"d` is one word. */
function tokensOf(line: string, place: Place): readonly Token[] {
  const tokens: Token[] = [];
  let word: string | undefined;
  const flush = (): void => {
    if (word !== undefined) tokens.push({ text: word, brace: false });
    word = undefined;
  };
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at] ?? "";
    if (character === "#" || character === "!") break;
    if (/\s/.test(character)) flush();
    else if (character === "{" || character === "}") {
      flush();
      tokens.push({ text: character, brace: true });
    } else if (character === '"' || character === "'") {
      const end = closingQuote(line, at);
      if (end === undefined) throw unreadable(place, `the quote ${character} is not closed`);
      word = (word ?? "") + line.slice(at + 1, end).replace(/\\(.)/g, "$1");
      at = end;
    } else {
      const escaped = character === "\\" && at + 1 < line.length;
      if (escaped) at += 1;
      word = (word ?? "") + (line[at] ?? "");
    }
  }
  flush();
  return tokens;
}

function closingQuote(line: string, from: number): number | undefined {
  for (let at = from + 1; at < line.length; at += 1) {
    if (line[at] === "\\") at += 1;
    else if (line[at] === line[from]) return at;
  }
  return undefined;
}
