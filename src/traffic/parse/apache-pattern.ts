import {
  type FieldPiece,
  PieceBuilder,
  type Pieces,
  placed,
  type Role,
  type Source,
  type Unusable,
  unusable,
} from "./piece.ts";

/**
 * Apache's LogFormat (mod_log_config and mod_logio): `%` then, in any order, statuses that the field
 * is written for (`400,501`, `!200`), `<` or `>` for the original or the final request, and a name
 * in braces; then a letter, or `^` and two.
 */
const directive = /%((?:[<>!,\d]|\{[^}]*\})*)(\^[a-zA-Z]{2}|[a-zA-Z%])/y;
const known = "aAbBCDefhHiklLmnopPqrRsStTuUvVXIO";
/** Without a name in braces they mean nothing. */
const named = "Ceino";

export function apachePieces({ text, at }: Source): Pieces | Unusable {
  const built = new PieceBuilder();
  for (let index = 0; index < text.length; ) {
    if (text[index] !== "%") {
      built.text(text[index] as string);
      index += 1;
      continue;
    }
    const here = at[index] as number;
    directive.lastIndex = index;
    const [written = text.slice(index), modifiers = "", letter = ""] = directive.exec(text) ?? [];
    if (!isKnown(letter, modifiers)) return unknownDirective(written, here);
    index += written.length;
    const bracketed = letter === "t" && nameIn(modifiers) === undefined;
    if (letter === "%" || bracketed) built.text(bracketed ? "[" : "%");
    if (letter !== "%") built.field(fieldOf(letter, modifiers, { written, at: here }));
    if (bracketed) built.text("]");
  }
  return { kind: "pieces", pieces: built.pieces, escapes: true };
}

function isKnown(letter: string, modifiers: string): boolean {
  if (letter === "%") return true;
  if (letter.startsWith("^")) return /^\^(?:ti|to|FB|FU)$/.test(letter);
  if (letter === "" || !known.includes(letter)) return false;
  return !named.includes(letter) || nameIn(modifiers) !== undefined;
}

function unknownDirective(written: string, at: number): Unusable {
  return unusable(
    placed(written, at),
    "a directive of Apache's LogFormat, such as %h, %>s or %{User-Agent}i, with %% for a percent sign",
  );
}

function fieldOf(
  letter: string,
  modifiers: string,
  where: Pick<FieldPiece, "written" | "at">,
): FieldPiece {
  const name = nameIn(modifiers);
  // Written for some statuses only, it is `-` for the others: what it says cannot be relied on.
  const conditional = /\d/.test(modifiers.replace(/\{[^}]*\}/, ""));
  const [role, rank] = conditional ? [undefined, 0] : roleOf(letter, name, modifiers);
  const spaces = letter === "t" ? spacesIn(name) : 0;
  return { kind: "field", ...where, role, rank, spaces, url: "vVUq".includes(letter) };
}

function roleOf(
  letter: string,
  name: string | undefined,
  modifiers: string,
): readonly [Role | undefined, number] {
  switch (letter) {
    case "s":
      // The original request of an internal redirect did not end with what the client got.
      return ["status", modifiers.includes(">") ? 0 : modifiers.includes("<") ? 2 : 1];
    case "t":
      return [name !== undefined && /^(?:msec|usec)_frac$/.test(name) ? undefined : "time", 0];
    case "a":
      return ["client", name === "c" ? 0 : 1];
    case "h":
      return ["client", name === "c" ? 2 : 3];
    case "r":
      return ["request", 0];
    case "q":
      return ["target", 0];
    case "i":
      return [name?.toLowerCase() === "user-agent" ? "agent" : undefined, 0];
    default:
      return [undefined, 0];
  }
}

function nameIn(modifiers: string): string | undefined {
  return /\{([^}]*)\}/.exec(modifiers)?.[1];
}

/** Of `%t` and of what strftime(3) makes of the name; `%c` is `Sat Nov 21 04:43:00 2026`. */
function spacesIn(name: string | undefined): number {
  if (name === undefined) return 1;
  const written = name.replace(/%c/g, "    ").replace(/%[rnt]/g, " ");
  return written.split(" ").length - 1;
}
