import { after, earliest, type Instant, millis, never } from "../../core/time.ts";
import type { Trouble, TroubleListener } from "../../linux/troubles.ts";
import type { ReportTrouble } from "../patient-writer.ts";

/** A sentence, and when it began to be true. */
export interface Since {
  readonly sentence: string;
  readonly at: Instant;
}

interface Entry extends Since {
  /** It lasts; one that only happened never did. */
  readonly lasts: boolean;
  readonly until: Instant;
}

/** What comes and goes several times within this is one trouble, told once. */
const calm = millis(10_000);

/** What was over at once is shown for longer than most monitors take to look again. */
const shown = millis(60_000);

/** What is the matter with this machine, by its place: an alert for each, for as long as it lasts. */
export class TroubleBook {
  readonly #now: () => Instant;
  readonly #entries = new Map<string, Entry>();

  constructor(now: () => Instant) {
    this.#now = now;
  }

  /** For the floors below, whose troubles may flap: `tell` is called with what is news. */
  listener(tell: (sentence: string) => void): TroubleListener {
    return (trouble) => {
      const news = this.#hear(trouble);
      if (news !== undefined) tell(news);
    };
  }

  /** For this floor, which knows when something is over. */
  reporter(place: string, tell: (sentence: string) => void = () => {}): ReportTrouble {
    return (sentence) => {
      if (sentence === undefined) {
        this.#entries.delete(place);
        return;
      }
      this.#hear({ kind: "began", place, sentence });
      tell(sentence);
    };
  }

  get current(): readonly Since[] {
    return [...this.#entries.values()];
  }

  /** Forgets what is over, and answers what of it had lasted. To be called now and then. */
  forget(): readonly string[] {
    if (this.#entries.size === 0) return [];
    const now = this.#now();
    const over = [...this.#entries].filter(([, { until }]) => until <= now);
    for (const [place] of over) this.#entries.delete(place);
    return over.flatMap(([, { lasts, sentence }]) => (lasts ? [sentence] : []));
  }

  #hear(trouble: Trouble): string | undefined {
    const { kind, place } = trouble;
    const now = this.#now();
    const known = this.#entries.get(place);
    if (kind === "ended") {
      if (known !== undefined)
        this.#entries.set(place, { ...known, until: earliest(known.until, after(now, calm)) });
      return undefined;
    }
    const { sentence } = trouble;
    const again = known?.sentence === sentence;
    const at = again ? known.at : now;
    const lasts = kind === "began";
    this.#entries.set(place, { sentence, at, lasts, until: lasts ? never : after(now, shown) });
    return again && lasts ? undefined : sentence;
  }
}
