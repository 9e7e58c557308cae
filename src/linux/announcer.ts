import type { MacAddress } from "../core/beat.ts";
import { gratuitousReply, gratuitousRequest, unsolicitedAdvertisement } from "./frames.ts";
import type { IpAddress } from "./ip-address.ts";

export interface AnnouncerOptions {
  readonly addresses: readonly IpAddress[];
  /** Frames a second at most, after a first burst of a fiftieth of it. */
  readonly rate: number;
  /**
   * Asked for every frame at its time: an address that is gone is not announced, however long the
   * queue.
   */
  readonly speakerOf: (address: IpAddress) => Speaker | undefined;
  readonly send: (family: 4 | 6, frame: Uint8Array) => void;
  readonly onAnnounced?: (frames: number) => void;
}

export interface Speaker {
  readonly mac: MacAddress;
  /**
   * The machine forwards IPv6: an advertisement that says otherwise takes it off its neighbours'
   * routers.
   */
  readonly router: boolean;
}

/**
 * Tells every neighbour where the addresses are now. Some switches and hosts heed only ARP
 * requests, some only replies: each IPv4 address is announced in both forms, interleaved, every
 * address once before any is announced a second time.
 */
export class Announcer {
  readonly #options: AnnouncerOptions;
  #addresses: readonly IpAddress[];
  #rate: number;
  /** The rest of a round. */
  #queue: readonly Announcement[] = [];
  #sent = 0;
  #again = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#addresses = options.addresses;
    this.#rate = options.rate;
  }

  /** From the next round on. */
  useAddresses(addresses: readonly IpAddress[]): void {
    this.#addresses = addresses;
  }

  /** From the next burst on. */
  useRate(rate: number): void {
    this.#rate = rate;
  }

  /** Begins now, or as soon as the rate allows; where a round is under way, one more follows it. */
  announce(): void {
    if (this.#queue.length > 0) {
      this.#again = true;
      return;
    }
    this.#queue = announcements(this.#addresses);
    if (this.#timer === undefined) this.#burst();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#queue = [];
    this.#again = false;
  }

  #burst(): void {
    const rate = this.#rate;
    // Timers are good for steps of 20 ms; a rate below one frame a step makes longer steps.
    const most = Math.max(2, Math.floor(rate / 50));
    let count = 0;
    let next = 0;
    for (; next < this.#queue.length && count < most; next += 1) {
      const announcement = this.#queue[next];
      if (announcement !== undefined && this.#sendOne(announcement)) count += 1;
    }
    this.#sent += count;
    this.#queue = this.#queue.slice(next);
    if (this.#queue.length === 0) this.#finish();
    this.#timer = setTimeout(() => this.#rested(), (count / rate) * 1000);
  }

  #rested(): void {
    this.#timer = undefined;
    if (this.#queue.length > 0) this.#burst();
  }

  #finish(): void {
    this.#options.onAnnounced?.(this.#sent);
    this.#sent = 0;
    this.#queue = this.#again ? announcements(this.#addresses) : [];
    this.#again = false;
  }

  #sendOne({ address, form }: Announcement): boolean {
    const speaker = this.#options.speakerOf(address);
    if (speaker === undefined) return false;
    this.#options.send(address.family, frameOf(speaker, address, form));
    return true;
  }
}

interface Announcement {
  readonly address: IpAddress;
  readonly form: "request" | "reply";
}

const announcements = (addresses: readonly IpAddress[]): readonly Announcement[] => {
  const form = (index: number, round: number) => ((index + round) % 2 === 0 ? "request" : "reply");
  const first = addresses.map((address, index) => ({ address, form: form(index, 0) }) as const);
  const second = addresses
    .map((address, index) => ({ address, form: form(index, 1) }) as const)
    .filter(({ address }) => address.family === 4);
  return [...first, ...second];
};

const frameOf = ({ mac, router }: Speaker, address: IpAddress, form: "request" | "reply") => {
  if (address.family === 6) return unsolicitedAdvertisement(mac, address, router);
  return form === "request" ? gratuitousRequest(mac, address) : gratuitousReply(mac, address);
};
