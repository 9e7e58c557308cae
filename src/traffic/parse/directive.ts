import { placed, type Source, SourceBuilder, type Unusable, unusable } from "./piece.ts";

/** A pattern without the directive that it was pasted in, its quotes and their escapes. */
export interface Unwrapped {
  readonly kind: "unwrapped";
  readonly server: "apache" | "nginx";
  readonly source: Source;
  /** nginx's `escape=`; Apache always escapes. */
  readonly escape: "default" | "json" | "none";
}

/**
 * Takes what people paste: the pattern alone, or the whole directive.
 *
 *     %h %l %u %t \"%r\" %>s %b
 *     LogFormat "%h %l %u %t \"%r\" %>s %b" common
 *     log_format main escape=json '$remote_addr [$time_local] '
 *                                 '"$request" $status';
 *
 * A `$name` tells nginx from Apache.
 */
export function unwrap(text: string): Unwrapped | Unusable {
  const nginx = /^\s*log_format\s+[^\s;'"]+(?:\s+escape=(default|json|none))?\s+/.exec(text);
  if (nginx !== null) {
    const mode = (nginx[1] ?? "default") as Unwrapped["escape"];
    const source = nginxWords(text, nginx[0].length);
    return isUnusable(source)
      ? source
      : { kind: "unwrapped", server: "nginx", source, escape: mode };
  }
  const apache = /^\s*(?:LogFormat|TransferLog)\s+(?=["'])/i.exec(text);
  if (apache !== null) {
    const quoted = unquote(text, apache[0].length);
    if (isUnusable(quoted)) return quoted;
    return { kind: "unwrapped", server: "apache", source: quoted.source, escape: "default" };
  }
  if (!/\$\{?[a-z_]/i.test(text)) {
    return { kind: "unwrapped", server: "apache", source: bare(text), escape: "default" };
  }
  const source = /^\s*'/.test(text) ? nginxWords(text, 0) : bare(text);
  return isUnusable(source)
    ? source
    : { kind: "unwrapped", server: "nginx", source, escape: "default" };
}

/** The words of a directive up to its semicolon, joined: nginx puts nothing between them. */
function nginxWords(text: string, from: number): Source | Unusable {
  const built = new SourceBuilder();
  let index = from;
  while (index < text.length && text[index] !== ";") {
    const character = text[index] as string;
    if (character === "'" || character === '"') {
      const quoted = unquote(text, index);
      if (isUnusable(quoted)) return quoted;
      append(built, quoted.source);
      index = quoted.end;
    } else if (character === "#") {
      const end = text.indexOf("\n", index);
      index = end < 0 ? text.length : end;
    } else {
      if (!/\s/.test(character)) built.add(character, index + 1);
      index += 1;
    }
  }
  return built.source;
}

/** What stands between the quote at `start` and the next one like it that is not escaped. */
function unquote(text: string, start: number): { source: Source; end: number } | Unusable {
  const built = new SourceBuilder();
  for (let index = start + 1; index < text.length; ) {
    if (text[index] === text[start]) return { source: built.source, end: index + 1 };
    index = addUnescaped(text, index, built);
  }
  const allowed = "a text that ends with the quote it began with";
  return unusable(placed(text.slice(start), start + 1), allowed);
}

/** A pattern that was copied from between its quotes still has the escapes. */
function bare(text: string): Source {
  const built = new SourceBuilder();
  for (let index = 0; index < text.length; ) index = addUnescaped(text, index, built);
  return built.source;
}

/** Adds the character that stands at `index`, escaped or not, and answers where the next one is. */
function addUnescaped(text: string, index: number, built: SourceBuilder): number {
  const next = text[index + 1] ?? "";
  const meant = text[index] === "\\" ? escapes[next] : undefined;
  built.add(meant ?? (text[index] as string), index + 1);
  return meant === undefined ? index + 1 : index + 2;
}

/** What both servers make of a backslash and one of these; before others it stays a backslash. */
const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  "\\": "\\",
  n: "\n",
  r: "\r",
  t: "\t",
};

function append(built: SourceBuilder, { text, at }: Source): void {
  for (let index = 0; index < text.length; index += 1) {
    built.add(text[index] as string, at[index] as number);
  }
}

function isUnusable(value: object): value is Unusable {
  return "kind" in value && value.kind === "unusable";
}
