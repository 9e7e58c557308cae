import { elapsed, type Instant, type Millis, times } from "../core/time.ts";
import type { IpAddress } from "./ip-address.ts";
import { explain, type NetlinkSocket, renewalsAtOnce } from "./netlink-socket.ts";

export interface RenewalOptions {
  readonly route: NetlinkSocket;
  readonly lease: () => Millis;
  readonly now: () => Instant;
  readonly addresses: () => readonly IpAddress[];
  /** The interface that holds the address now, where it is wished and was last seen there. */
  readonly holderOf: (address: IpAddress) => number | undefined;
  readonly onRenewed: (sentAt: Instant) => void;
  readonly onRefused: (sentence: string) => void;
}

/**
 * Renews the lease without a queue: the kernel has done it, or refused, when the call returns.
 * Where there are more addresses than one call takes without stopping the heart, the rest follows
 * in the next turns of the loop; a rest that comes late is left out, because a late renewal could
 * bring back what the lease has taken.
 */
export class Renewal {
  readonly #options: RenewalOptions;
  #rest: NodeJS.Immediate | undefined;

  constructor(options: RenewalOptions) {
    this.#options = options;
  }

  renew(): void {
    if (this.#rest === undefined) this.#renewFrom(0, this.#options.now());
  }

  /** Leaves out the rest of a renewal under way. */
  stop(): void {
    clearImmediate(this.#rest);
    this.#rest = undefined;
  }

  #renewFrom(first: number, startedAt: Instant): void {
    const { holderOf, route, now, onRenewed, onRefused } = this.#options;
    const addresses = this.#options.addresses();
    const lease = this.#options.lease();
    const next = first + renewalsAtOnce;
    const part = addresses.slice(first, next).filter((one) => holderOf(one) !== undefined);
    const index = part[0] && holderOf(part[0]);
    this.#rest = undefined;
    if (elapsed(startedAt, now()) > times(lease, 0.5)) {
      onRefused("Cannot renew the lease of every address: this process was stopped meanwhile");
      return;
    }
    const result = index === undefined ? 0 : route.renew(index, part, lease / 1000);
    if (result < 0) {
      onRefused(`Cannot renew the lease: ${explain(result)}`);
      return;
    }
    if (next >= addresses.length) {
      onRenewed(startedAt);
      return;
    }
    this.#rest = setImmediate(() => this.#renewFrom(next, startedAt));
  }
}
