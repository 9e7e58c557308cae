/** Says each trouble once, and again only after it was mended or has changed. */
export class Troubles {
  readonly #tell: (sentence: string) => void;
  readonly #said = new Map<string, string>();

  constructor(tell: (sentence: string) => void) {
    this.#tell = tell;
  }

  /** `topic` names what is in trouble; the sentence may change while it lasts. */
  say(topic: string, sentence: string): void {
    if (this.#said.get(topic) === sentence) return;
    this.#said.set(topic, sentence);
    this.#tell(sentence);
  }

  mended(topic: string): void {
    this.#said.delete(topic);
  }
}

/** What an error says, for the end of a sentence. */
export const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
