import { networkInterfaces } from "node:os";

import type { Arrivals } from "../../linux/diversion/arrivals.ts";
import { reasonOf } from "../failure.ts";

export interface StrangersOptions {
  /** What the kernel has noted of who came how. */
  readonly read: () => Promise<Arrivals>;
  /** Of the peer: its requests are ours. */
  readonly peers: readonly string[];
  readonly exclude: (count: string, addresses: readonly string[]) => void;
  /** One sentence, once until it is over: it is looked at twice a second, for as long as a share is held. */
  readonly onTrouble: (sentence: string) => void;
}

const lookEveryMillis = 500;

/**
 * Clients whose requests prove nothing of a handover: this machine and its peer, and whoever came to this
 * machine by itself, as a monitor does, and not by way of the holder. Who they are is learnt a moment after
 * their lines were read, so the count leaves them out in retrospect. A client that the kernel has not seen
 * at all counts: behind a proxy the access_log names others than the network does.
 */
export class Strangers {
  readonly #options: StrangersOptions;
  #count: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #trouble: string | undefined;

  constructor(options: StrangersOptions) {
    this.#options = options;
  }

  /** From now on they are left out of this count, and of no other. */
  leaveOutOf(count: string): void {
    this.#count = count;
    clearTimeout(this.#timer);
    void this.#look(count);
  }

  stop(): void {
    this.#count = undefined;
    clearTimeout(this.#timer);
  }

  async #look(count: string): Promise<void> {
    const { read, peers, exclude } = this.#options;
    try {
      const { arrived, direct } = await read();
      const alone = [...direct].filter((client) => !arrived.has(client));
      if (this.#count === count) exclude(count, [...ownAddresses(), ...peers, ...alone]);
      this.#trouble = undefined;
    } catch (error) {
      this.#say(`Cannot tell whose requests were handed over: ${reasonOf(error)}`);
    }
    if (this.#count === count)
      this.#timer = setTimeout(() => void this.#look(count), lookEveryMillis);
  }

  #say(trouble: string): void {
    if (trouble !== this.#trouble) this.#options.onTrouble(trouble);
    this.#trouble = trouble;
  }
}

const ownAddresses = (): readonly string[] =>
  Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .map(({ address }) => address);
