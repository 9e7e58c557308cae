import type { Report } from "../agent/ports.ts";
import type { Wish } from "../core/effect.ts";
import { type CommandListener, runNft } from "./command.ts";
import type { IpAddress } from "./ip-address.ts";
import { anyConnection } from "./sock-diag.ts";
import type { Troubles } from "./troubles.ts";

export interface DoorOptions {
  readonly table: string;
  readonly addresses: readonly IpAddress[];
  readonly report: Report;
  readonly onCommand: CommandListener;
  readonly troubles: Troubles;
}

const nftPatienceMillis = 2000;
const retryMillis = 1000;
/** Requests end in milliseconds; a look takes some tenths of one, as the kernel walks all its sockets. */
const lookEveryMillis = 4;
const looksAtMost = 50;

/**
 * Lets no new TCP connection in while the address is about to go, and tells when those that are open have
 * ended: a request that is under way when the address goes would be reset by the next holder, one that
 * has not begun is only repeated by its client.
 */
export class Door {
  readonly #options: DoorOptions;
  #addresses: readonly IpAddress[];
  #wish: Wish["door"] = "open";
  #closed = false;
  #working = false;
  #stopped = false;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#addresses = options.addresses;
  }

  /** From the next closing on. */
  useAddresses(addresses: readonly IpAddress[]): void {
    this.#addresses = addresses;
  }

  /** Leaves it as it is: whoever starts next opens it. */
  stop(): void {
    this.#stopped = true;
  }

  reconcile(wish: Wish["door"]): void {
    this.#wish = wish;
    void this.#work();
  }

  /** One nft at a time; a wish that changed meanwhile is looked at when it is done. */
  async #work(): Promise<void> {
    if (this.#working || this.#stopped) return;
    this.#working = true;
    let done = true;
    while (done && this.#closed !== (this.#wish === "closed")) {
      const close = this.#wish === "closed";
      const { table } = this.#options;
      // An nft that is killed may have done it all the same: what may be closed has to be opened.
      this.#closed = true;
      done = close
        ? await this.#nft(closeScript(table, this.#addresses), "let no new connection in")
        : await this.#nft(openScript(table), "let new connections in");
      if (done) this.#closed = close;
    }
    this.#working = false;
    if (done && this.#closed) this.#watch(looksAtMost);
    // A door that could not be closed is not waited for; one that could not be opened is tried again.
    if (!done && this.#wish === "open") setTimeout(() => void this.#work(), retryMillis);
  }

  #watch(looks: number): void {
    if (this.#wish !== "closed" || looks === 0 || this.#stopped) return;
    const quiet = !anyConnection(this.#addresses.slice(0, addressesMax));
    if (quiet) this.#options.report({ kind: "door-observed", quiet });
    else setTimeout(() => this.#watch(looks - 1), lookEveryMillis);
  }

  async #nft(script: string, what: string): Promise<boolean> {
    const { onCommand, troubles } = this.#options;
    const result = await runNft(script, { what, onCommand, timeoutMillis: nftPatienceMillis });
    if (result.kind === "failed") troubles.say("door", result.reason);
    else troubles.mended("door");
    return result.kind === "done";
  }
}

/** With more than one of each family the time that is given has to do. */
const addressesMax = 2;

/** In the family `inet`, so that one table serves both; `cleanup` knows it by its name. */
export function closeScript(table: string, addresses: readonly IpAddress[]): string {
  const rules = addresses.map(({ family, text }) => {
    const to = family === 4 ? `ip daddr ${text}` : `ip6 daddr ${text}`;
    return `    ${to} tcp flags & (syn | ack) == syn drop`;
  });
  return [
    `add table inet ${table}`,
    `delete table inet ${table}`,
    `table inet ${table} {`,
    "  chain in {",
    "    type filter hook input priority -150;",
    ...rules,
    "  }",
    "}",
  ].join("\n");
}

/** Also where there is none: whatever an earlier agent left. */
export const openScript = (table: string): string =>
  [`add table inet ${table}`, `delete table inet ${table}`].join("\n");
