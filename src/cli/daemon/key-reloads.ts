import type { TellLevel } from "../../core/effect.ts";
import type { KeyRing } from "../../protocol/keys.ts";
import { reasonOf } from "../failure.ts";
import type { ReportTrouble } from "../patient-writer.ts";

/** By their ids. */
export interface KeysInForce {
  /** Oldest first. */
  readonly accepted: readonly number[];
  /** The peer signs with it; undefined while it is not heard. */
  readonly signed: number | undefined;
}

export interface KeyReloadsOptions {
  /** Rejects where the file cannot be used. */
  readonly read: () => Promise<KeyRing>;
  readonly heart: {
    keys(): KeysInForce;
    useKeys(ring: KeyRing): "used" | "deaf";
  };
  readonly tell: (level: TellLevel, sentence: string) => void;
  /** The file is not what is in use; an alert for as long as that is so. */
  readonly report: ReportTrouble;
}

/** A changed key file while the agent runs: one that cannot be used changes nothing. */
export class KeyReloads {
  readonly #options: KeyReloadsOptions;
  #reading = false;
  #again = false;

  constructor(options: KeyReloadsOptions) {
    this.#options = options;
  }

  /** Somebody says that the file has changed. Returns at once. */
  ask(): void {
    this.#again = true;
    if (!this.#reading) void this.#read();
  }

  /** One at a time: of two readings the older could be the last to end. */
  async #read(): Promise<void> {
    this.#reading = true;
    while (this.#again) {
      this.#again = false;
      try {
        this.#consider(await this.#options.read());
      } catch (error) {
        this.#refuse(`${reasonOf(error)}; the keys in use stay`);
      }
    }
    this.#reading = false;
  }

  #consider(ring: KeyRing): void {
    const { heart, tell, report } = this.#options;
    const { accepted, signed } = heart.keys();
    const ids = ring.map(({ id }) => id);
    const words = `${ids.length === 1 ? "key" : "keys"} ${[...ids].reverse().join(", ")}`;
    if (heart.useKeys(ring) === "used") {
      report(undefined);
      if (ids.join() !== accepted.join()) tell("info", `Accepting ${words}`);
      return;
    }
    this.#refuse(
      `Cannot accept ${words} alone: the peer signs with key ${signed}, so the keys in use stay; ` +
        `keep key ${signed} in the file until failover key list says that the peer signs with another`,
    );
  }

  #refuse(sentence: string): void {
    this.#options.report(sentence);
    this.#options.tell("error", sentence);
  }
}
