import { networkInterfaces } from "node:os";

import type { Arrivals } from "../../linux/diversion/arrivals.ts";
import type { Troubles } from "../../linux/troubles.ts";
import { reasonOf } from "../failure.ts";

export interface StrangersOptions {
  /** What the kernel has noted of who came how. */
  readonly read: () => Promise<Arrivals>;
  /** Of the peer: its requests are ours. */
  readonly peers: readonly string[];
  readonly exclude: (count: string, addresses: readonly string[]) => void;
  readonly troubles: Troubles;
}

const lookEveryMillis = 500;
const place = "arrivals";

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
    this.#options.troubles.mended(place);
  }

  async #look(count: string): Promise<void> {
    const { read, peers, exclude, troubles } = this.#options;
    try {
      const { arrived, direct } = await read();
      const alone = [...direct].filter((client) => !arrived.has(client));
      if (this.#count === count) exclude(count, [...ownAddresses(), ...peers, ...alone]);
      troubles.mended(place);
    } catch (error) {
      const sentence = `Cannot tell whose requests were handed over: ${reasonOf(error)}`;
      if (this.#count === count) troubles.say(place, sentence);
    }
    if (this.#count === count)
      this.#timer = setTimeout(() => void this.#look(count), lookEveryMillis);
  }
}

const ownAddresses = (): readonly string[] =>
  Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .map(({ address }) => address);
