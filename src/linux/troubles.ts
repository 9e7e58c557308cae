/**
 * Something that is not as it should be. `place` says where, always by the same name. What `began` lasts
 * until it `ended`, and begins anew when its sentence changes; what `happened` was over at once.
 */
export type Trouble =
  | { readonly kind: "began" | "happened"; readonly place: string; readonly sentence: string }
  | { readonly kind: "ended"; readonly place: string };

export type TroubleListener = (trouble: Trouble) => void;

/** Tells each trouble once when it begins, and once when it ends. */
export class Troubles {
  readonly #tell: TroubleListener;
  readonly #said = new Map<string, string>();

  constructor(tell: TroubleListener) {
    this.#tell = tell;
  }

  /** The sentence may change while it lasts. */
  say(place: string, sentence: string): void {
    if (this.#said.get(place) === sentence) return;
    this.#said.set(place, sentence);
    this.#tell({ kind: "began", place, sentence });
  }

  /** Also to be called where nothing was the matter, or where it does not matter any more. */
  mended(place: string): void {
    if (this.#said.delete(place)) this.#tell({ kind: "ended", place });
  }

  /** Every time. */
  happened(place: string, sentence: string): void {
    this.#tell({ kind: "happened", place, sentence });
  }
}

/** What an error says, for the end of a sentence. */
export const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
