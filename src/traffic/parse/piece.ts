/** What a pattern is made of: text that stands in every line, and fields that differ. */
export type Piece = TextPiece | FieldPiece;

export interface TextPiece {
  readonly kind: "text";
  readonly text: string;
}

export interface FieldPiece {
  readonly kind: "field";
  /** As it stands in the pattern, and its first character there, from 1. */
  readonly written: string;
  readonly at: number;
  /** Undefined: nobody asks for it. */
  readonly role: Role | undefined;
  /** Where several fields have one role the lowest rank is taken. */
  readonly rank: number;
  /** Spaces within the value: `04:43:00 +0000` has one. */
  readonly spaces: number;
  /**
   * A part of a URL. Such parts may touch, as in `$uri$is_args$args`: only the whole is of use.
   */
  readonly url: boolean;
}

/** `target`: `/path?query`; `query`: without its question mark. */
export type Role = "status" | "time" | "client" | "request" | "target" | "query" | "agent";

/** Puts pieces together from single characters and fields. */
export class PieceBuilder {
  readonly pieces: Piece[] = [];

  text(character: string): void {
    const before = this.pieces.at(-1);
    if (before?.kind !== "text") this.pieces.push({ kind: "text", text: character });
    else this.pieces[this.pieces.length - 1] = { kind: "text", text: before.text + character };
  }

  field(piece: FieldPiece): void {
    this.pieces.push(piece);
  }
}

/** A pattern that cannot be used, in words that follow "found" and "allowed is". */
export interface Unusable {
  readonly kind: "unusable";
  readonly found: string;
  readonly allowed: string;
}

export interface Pieces {
  readonly kind: "pieces";
  readonly pieces: readonly Piece[];
  /** Inside a value a quote is escaped, so that a bare one ends it. */
  readonly escapes: boolean;
}

export function unusable(found: string, allowed: string): Unusable {
  return { kind: "unusable", found, allowed };
}

/** `"%y" at character 13`. */
export function placed(written: string, at: number): string {
  return `${JSON.stringify(written.slice(0, 40))} at character ${at}`;
}

/** Text whose every character knows where it stood, from 1, before quotes and escapes were taken off. */
export interface Source {
  readonly text: string;
  readonly at: readonly number[];
}

export class SourceBuilder {
  #text = "";
  readonly #at: number[] = [];

  add(character: string, at: number): void {
    this.#text += character;
    this.#at.push(at);
  }

  get source(): Source {
    return { text: this.#text, at: this.#at };
  }
}
