import type { TellLevel } from "../../core/effect.ts";
import type { State } from "../../core/state.ts";
import type { Configuration } from "../configuration/configuration.ts";
import { type Change, difference } from "../configuration/difference.ts";
import type { Loaded } from "../configuration/load.ts";
import { lineOf } from "../configuration/parse.ts";
import { unsupported } from "../configuration/unsupported.ts";
import { reasonOf } from "../failure.ts";
import type { ReportTrouble } from "../patient-writer.ts";

export interface ReloadsOptions {
  readonly file: string;
  /** Takes its time, and none of the heart's. */
  readonly read: (file: string) => Promise<Loaded>;
  readonly inForce: () => Configuration;
  /** Undefined: now. Otherwise what has to be over first, in words that follow "when". */
  readonly hindrance: () => string | undefined;
  /** Puts it in force, all of it, before it returns. */
  readonly apply: (configuration: Configuration, changes: readonly Change[]) => void;
  /** For the log alone: nothing has happened. */
  readonly remark: (sentence: string) => void;
  readonly tell: (level: TellLevel, sentence: string) => void;
  /** The file is not what runs; an alert for as long as that is so. */
  readonly report: ReportTrouble;
}

/**
 * A changed file while the agent runs: what can be applied is, all of it and at once; anything else is
 * refused whole, and the configuration in force stays. In the middle of a swap, which has begun with one
 * configuration and must end with it, the other one waits.
 */
export class Reloads {
  readonly #options: ReloadsOptions;
  #reading = false;
  #again = false;
  #waiting: Configuration | undefined;
  #due: NodeJS.Immediate | undefined;
  #stopped = false;

  constructor(options: ReloadsOptions) {
    this.#options = options;
  }

  /** Somebody says that the file has changed. Returns at once. */
  ask(): void {
    this.#again = true;
    if (!this.#reading) void this.#read();
  }

  /** To be called after every turn: what is waited for may be over. */
  turned(): void {
    if (this.#waiting === undefined || this.#options.hindrance() !== undefined) return;
    // Not in the middle of a turn, where one port's report is told from within a call of another.
    this.#due ??= setImmediate(() => {
      this.#due = undefined;
      this.#putInForce();
    });
  }

  stop(): void {
    this.#stopped = true;
    clearImmediate(this.#due);
  }

  #putInForce(): void {
    if (this.#waiting === undefined || this.#options.hindrance() !== undefined) return;
    const { file, inForce, apply, tell, report } = this.#options;
    const configuration = this.#waiting;
    this.#waiting = undefined;
    const found = difference(inForce(), configuration);
    const changes = found.kind === "applies" ? found.changes : [];
    apply(configuration, changes);
    report(undefined);
    const words = changes.map((change) => `${change.key}: ${change.words}`).join("; ");
    tell("info", `${file} is in force from now on: ${words}`);
  }

  /** One at a time; a file that changes while it is read is read again. */
  async #read(): Promise<void> {
    const { file, read } = this.#options;
    this.#reading = true;
    while (this.#again && !this.#stopped) {
      this.#again = false;
      try {
        const loaded = await read(file);
        if (!this.#stopped) this.#consider(loaded);
      } catch (error) {
        // A problem stands on each further line.
        this.#refuse(reasonOf(error).replace(/\n\s*/, ": ").replace(/\n\s*/g, "; "));
      }
    }
    this.#reading = false;
  }

  #consider({ configuration, lines }: Loaded): void {
    const { file, inForce, hindrance, remark, tell, report } = this.#options;
    const found = difference(inForce(), configuration);
    this.#waiting = undefined;
    if (found.kind === "same") {
      report(undefined);
      remark(`${file} is what runs already`);
      return;
    }
    if (found.kind === "needs-restart") {
      const keys = found.keys.map((key) => `line ${lineOf(lines, key)}: ${key}`).join("; ");
      this.#refuse(`Cannot apply ${file} without a restart of the agent: ${keys}`);
      return;
    }
    const refusals = unsupported(configuration);
    if (refusals.length > 0) {
      this.#refuse(`Cannot run with ${file}: ${refusals.join("; ")}`);
      return;
    }
    this.#waiting = configuration;
    const first = hindrance();
    if (first !== undefined) tell("info", `${file} is valid, and comes into force when ${first}`);
    this.turned();
  }

  #refuse(why: string): void {
    this.#waiting = undefined;
    const sentence = `${why}; the configuration of before stays in force`;
    this.#options.report(sentence);
    this.#options.tell("error", sentence);
  }
}

/** A swap ends with the configuration that it began with, and so does a change of the role. */
export function hindranceOf({ handover, role }: State): string | undefined {
  if (handover.kind !== "none") return `swap ${handover.id} and its traces are over`;
  if (role.kind === "take") return "the address has arrived";
  return role.kind === "yield" ? "the address has gone" : undefined;
}

/**
 * Nothing that is held is missing: only then may the journal name another list, because the next agent gives
 * all of them up for the sake of one that is not there.
 */
export const isWhole = ({ role, self }: State): boolean =>
  role.kind !== "hold" || self.presence === "all";
