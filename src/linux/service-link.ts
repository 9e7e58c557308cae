import type { Wish } from "../core/effect.ts";
import type { Carrier } from "../core/event.ts";
import { after, elapsed, type Instant, millis } from "../core/time.ts";
import type { IpBatch } from "./ip-batch.ts";
import type { KernelLink } from "./netlink.ts";
import { type Picture, presenceOf, type Scene } from "./picture.ts";
import type { Troubles } from "./troubles.ts";

export interface ServiceLinkOptions {
  readonly interface: string;
  readonly scene: () => Scene;
  readonly batch: IpBatch;
  readonly now: () => Instant;
  readonly troubles: Troubles;
}

/** A port of 1000BASE-T takes two to three seconds to agree with the switch; some take five. */
const carrierPatience = millis(6000);

/** For so long it is free, with a carrier, before it goes down: a question may be asked anew at once. */
const restBeforeDown = millis(1000);

/** Another program that puts it down, or up, is answered once a second. */
const commandEvery = millis(1000);

/** Of a machine that moves addresses only: the interface is the administrator's. */
export const plainCarrier = (link: KernelLink | undefined): Carrier =>
  link?.carrier === true ? "up" : "none";

/**
 * The interface of a pair that has one of its own for the service: up where it is needed, down where it is
 * free. Safety does not rest on it: the address comes after it and goes before it, with its lease. While it is
 * down nothing is known of its cable. One that has no carrier is not put down again, so that a cable that is
 * plugged in is noticed.
 */
export class ServiceLink {
  readonly #options: ServiceLinkOptions;
  #wish: Wish["link"] | undefined;
  #wasUp: boolean | undefined;
  #cameUpAt: Instant | undefined;
  #freeSince: Instant | undefined;
  #wishedAt: Instant;
  #notBefore: Instant;
  #busy = false;

  constructor(options: ServiceLinkOptions) {
    this.#options = options;
    this.#wishedAt = options.now();
    this.#notBefore = options.now();
  }

  reconcile(wish: Wish["link"], picture: Picture | undefined): void {
    if (wish === this.#wish) return;
    this.#wish = wish;
    this.#wishedAt = this.#options.now();
    this.#notBefore = this.#wishedAt;
    if (picture !== undefined) this.look(picture);
  }

  /** What was just seen, at least once a second. */
  look(picture: Picture): void {
    const { link } = picture;
    const current = this.#options.now();
    if (link?.up === true && this.#wasUp === false) this.#cameUpAt = current;
    this.#wasUp = link?.up;
    this.#freeSince = this.#isFree(picture) ? (this.#freeSince ?? current) : undefined;
    if (link === undefined || current < this.#notBefore || this.#busy) return;
    if (this.#wish === "needed" && !link.up) this.#set("up");
    const rested = this.#freeSince !== undefined && elapsed(this.#freeSince, current);
    if (rested !== false && rested >= restBeforeDown) this.#set("down");
  }

  carrierOf(link: KernelLink | undefined): Carrier {
    if (link === undefined) return "none";
    if (link.carrier) return "up";
    if (!link.up && this.#wish !== "needed") return "unknown";
    const since = link.up ? this.#cameUpAt : this.#wishedAt;
    const comes = since !== undefined && elapsed(since, this.#options.now()) < carrierPatience;
    return comes ? "unknown" : "none";
  }

  #isFree({ link, service }: Picture): boolean {
    const { addresses, former } = this.#options.scene();
    const gone = presenceOf([...addresses, ...former], service) === "none";
    return this.#wish === "free" && link?.carrier === true && gone;
  }

  #set(state: "up" | "down"): void {
    const { batch, troubles, now, interface: device } = this.#options;
    this.#busy = true;
    batch.run([`link set dev ${device} ${state}`], (result) => {
      this.#busy = false;
      this.#notBefore = after(now(), commandEvery);
      if (result.kind === "done") troubles.mended("link");
      if (result.kind === "failed") troubles.say("link", result.reasons.join("; "));
      if (result.kind === "killed")
        troubles.say("link", `Cannot tell whether ${device} was put ${state}: ${result.reason}`);
    });
  }
}
