/** Says what is wrong with a disk when it begins, and undefined when it is over. */
export type ReportTrouble = (sentence: string | undefined) => void;

/** A disk that was full a moment ago is asked again after this long. */
const retryMillis = 5000;

/**
 * Writes in the background to a disk that may be slow, full or gone: one attempt at a time, a
 * failed one repeated later, trouble reported once when it begins and once when it ends. It keeps
 * nothing itself: `write` takes what there is to write at that moment, so a slow disk never builds
 * a queue here.
 */
export class PatientWriter {
  readonly #write: () => Promise<void>;
  readonly #sentence: (error: unknown) => string;
  readonly #report: ReportTrouble;
  #busy: Promise<void> | undefined;
  #again = false;
  #trouble: string | undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: {
    /** Writes everything that is due; what it could not write is due again. */
    readonly write: () => Promise<void>;
    readonly sentence: (error: unknown) => string;
    readonly report: ReportTrouble;
  }) {
    this.#write = options.write;
    this.#sentence = options.sentence;
    this.#report = options.report;
  }

  /** There is something to write. Returns at once. */
  wake(): void {
    this.#again = true;
    this.#busy ??= this.#work();
  }

  /** Resolves when everything is written, or the attempt that is going on has failed. */
  async settled(): Promise<void> {
    await this.#busy;
  }

  async #work(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      clearTimeout(this.#retry);
      const trouble = await this.#attempt();
      if (trouble !== this.#trouble) this.#report(trouble);
      this.#trouble = trouble;
      if (trouble !== undefined) {
        this.#retry = setTimeout(() => this.wake(), retryMillis);
        this.#retry.unref();
        break;
      }
    }
    this.#busy = undefined;
  }

  async #attempt(): Promise<string | undefined> {
    try {
      await this.#write();
      return undefined;
    } catch (error) {
      return this.#sentence(error);
    }
  }
}
