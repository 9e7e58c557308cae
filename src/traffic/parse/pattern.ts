import { apachePieces } from "./apache-pattern.ts";
import { canaryTag, canaryWord } from "./canary.ts";
import { unwrap } from "./directive.ts";
import { clientAddress, type LogLine } from "./line.ts";
import { nginxPieces } from "./nginx-pattern.ts";
import {
  type FieldPiece,
  type Piece,
  type Pieces,
  placed,
  type Role,
  type Unusable,
  unusable,
} from "./piece.ts";

/**
 * A log's format in the web server's own notation becomes one regular expression. Each field ends at
 * the first occurrence of the text behind it and nowhere else, so that what comes later cannot make
 * it try again: time is linear in the length of the line, whatever stands there.
 *
 * What stands behind the last field that is asked for is left out: a line may have more at its end.
 */
export type CompiledPattern =
  | { readonly kind: "compiled"; readonly read: (line: string) => LogLine | undefined }
  | Unusable;

export function compilePattern(text: string): CompiledPattern {
  const unwrapped = unwrap(text);
  if (unwrapped.kind === "unusable") return unwrapped;
  const { server, source } = unwrapped;
  const parsed = server === "nginx" ? nginxPieces(unwrapped) : apachePieces(source);
  if (parsed.kind === "unusable") return parsed;
  const joined = joinUrls(parsed.pieces);
  if ("kind" in joined) return joined;
  const asked = askedFields(joined);
  if (!asked.has("status")) {
    const example = server === "nginx" ? "$status" : "%>s";
    return unusable(shown(text), `a pattern with the status of every response, such as ${example}`);
  }
  if (!["request", "target", "query", "agent"].some((role) => asked.has(role as Role))) {
    const example =
      server === "nginx" ? "$request or $http_user_agent" : "%r, %q or %{User-Agent}i";
    return unusable(
      shown(text),
      `a pattern with ${example}, without which our own requests cannot be told from others`,
    );
  }
  return { kind: "compiled", read: readerOf({ ...parsed, pieces: joined }, asked) };
}

/** Adjacent parts of a URL become one field; other fields that touch cannot be told apart. */
function joinUrls(pieces: readonly Piece[]): readonly Piece[] | Unusable {
  const joined: Piece[] = [];
  for (const piece of pieces) {
    const before = joined.at(-1);
    if (piece.kind === "text" || before?.kind !== "field") {
      joined.push(piece);
      continue;
    }
    if (!piece.url || !before.url) {
      return unusable(
        placed(before.written + piece.written, before.at),
        "fields with something between them, without which nobody can tell where one ends",
      );
    }
    const whole = before.role !== undefined || piece.role !== undefined;
    const written = before.written + piece.written;
    joined[joined.length - 1] = { ...before, written, role: whole ? "target" : undefined };
  }
  return joined;
}

/** The field of each role, by its place among the pieces. */
function askedFields(pieces: readonly Piece[]): ReadonlyMap<Role, number> {
  const asked = new Map<Role, number>();
  for (const [index, piece] of pieces.entries()) {
    if (piece.kind === "text" || piece.role === undefined) continue;
    const best = pieces[asked.get(piece.role) ?? -1] as FieldPiece | undefined;
    if (best === undefined || piece.rank < best.rank) asked.set(piece.role, index);
  }
  return asked;
}

function readerOf(
  { pieces: written, escapes }: Pieces,
  asked: ReadonlyMap<Role, number>,
): (line: string) => LogLine | undefined {
  const pieces = written.map((piece) =>
    piece.kind === "text" ? { ...piece, text: asInLog(piece.text) } : piece,
  );
  const places = [...asked.values()].sort((one, other) => one - other);
  const last = places.at(-1) ?? 0;
  const parts = pieces.slice(0, last + 1).map((piece, index) => {
    if (piece.kind === "text") return literal(piece.text);
    const value = fieldExpression(piece, pieces[index + 1], escapes);
    return places.includes(index) ? `(${value})` : value;
  });
  const after = pieces[last + 1];
  const end = after?.kind === "text" ? literal(after.text) : "";
  const expression = new RegExp(`^${parts.join("")}${end}`);
  const group = (role: Role): number => places.indexOf(asked.get(role) ?? -1) + 1;
  return lineReader(expression, {
    status: group("status"),
    time: group("time"),
    client: group("client"),
    request: group("request"),
    target: group("target"),
    query: group("query"),
    agent: group("agent"),
  });
}

/** `groups`: of the expression, by role; 0 where the pattern has none. */
function lineReader(
  expression: RegExp,
  groups: Readonly<Record<Role, number>>,
): (line: string) => LogLine | undefined {
  const { status, time, client } = groups;
  return (line) => {
    const match = expression.exec(line);
    if (match === null) return undefined;
    return {
      status: Number(match[status]) || 0,
      canary: line.includes(canaryWord) ? canaryOf(match, groups) : undefined,
      client: client === 0 ? undefined : clientAddress(match[client] ?? ""),
      time: time === 0 ? undefined : match[time],
    };
  };
}

function canaryOf(
  match: RegExpExecArray,
  { request, target, query, agent }: Readonly<Record<Role, number>>,
): string | undefined {
  const asked =
    request > 0
      ? (match[request] ?? "")
      : target > 0
        ? `- ${match[target]}`
        : query > 0
          ? `- ?${match[query]}`
          : "";
  return canaryTag(asked, agent > 0 ? match[agent] : undefined);
}

/** The expression of one field, which ends where `next` begins. */
function fieldExpression(field: FieldPiece, next: Piece | undefined, escapes: boolean): string {
  if (field.role === "status") return String.raw`(?:\d{3}(?!\d)|-)`;
  const end = next?.kind === "text" ? next.text : "";
  const stop = literal(end.slice(0, 1));
  if (field.role === "time") {
    const word = `[^ ${stop}]{1,64}`;
    return ` ?${word}(?: {1,2}${word}){${field.spaces}}`;
  }
  if (field.role === "request" && stop === " ")
    return String.raw`(?:-|[^ ]+ [^ ]+(?: HTTP/[\d.]+)?)`;
  if (end === "") return "[^]*";
  if (stop === '"' && escapes) return String.raw`[^"\\]*(?:\\[^][^"\\]*)*`;
  if (end.length === 1) return `[^${stop}]*`;
  return `(?:[^${stop}]|${stop}(?!${literal(end.slice(1, textMax))}))*`;
}

/** As a line decoded as latin1 has it: servers write their text as it stands in their files, in UTF-8. */
function asInLog(text: string): string {
  // Half a pair of UTF-16, which only an escape of YAML can name, has no bytes.
  const whole = text.replace(/\p{Surrogate}/gu, "\ufffd");
  return encodeURIComponent(whole).replace(/%(..)/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** So much of the text behind a field is looked at to know it from a value that begins like it. */
const textMax = 8;

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

function shown(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 59)}…` : text;
  return JSON.stringify(short);
}
