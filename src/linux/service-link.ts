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
  readonly batch: Pick<IpBatch, "run">;
  readonly now: () => Instant;
  readonly troubles: Troubles;
}

/** A port of 1000BASE-T takes two to three seconds to agree with the switch; some take five. */
const carrierPatience = millis(6000);

/** For so long it is free, with a carrier, before it goes down: a question may be asked anew at once. */
const restBeforeDown = millis(1000);

/** Another program that puts it down, or up, is answered once a second. */
const commandEvery = millis(1000);

/** One that could not be put up is tried no sooner, be it needed or free. */
const hopelessEvery = millis(5000);

/** Of a machine that moves addresses only: the interface is the administrator's. */
export const plainCarrier = (link: KernelLink | undefined): Carrier =>
  link?.carrier === true ? "up" : "none";

/**
 * The interface of a pair that has one of its own for the service: up where it is needed, down where it is
 * free. Safety does not rest on it: the address comes after it and goes before it, with its lease. While it is
 * down nothing is known of its cable. One that has no carrier is not put down again, so that a cable that is
 * plugged in is noticed; one that could not be put up has none until it is seen up, or a machine that stands by
 * would ask for the address again and again.
 */
export class ServiceLink {
  readonly #options: ServiceLinkOptions;
  #wish: Wish["link"] | undefined;
  #picture: Picture | undefined;
  /** First seen down while needed, and coming up, since there was a carrier: whoever plays with it meanwhile. */
  #downSince: Instant | undefined;
  #upSince: Instant | undefined;
  /** An `up` was refused, or came to nothing, and it has not been seen up since. */
  #hopeless = false;
  #freeSince: Instant | undefined;
  #notBefore: Instant;
  #job: { readonly state: "up" | "down"; readonly callOff: () => void } | undefined;

  constructor(options: ServiceLinkOptions) {
    this.#options = options;
    this.#notBefore = options.now();
  }

  reconcile(wish: Wish["link"], picture: Picture | undefined): void {
    if (wish === this.#wish) return;
    this.#wish = wish;
    this.#notBefore = this.#options.now();
    if (wish === "needed" && this.#job?.state === "down") this.#job.callOff();
    if (picture !== undefined) this.look(picture);
  }

  /** What was just seen, at least once a second. */
  look(picture: Picture): void {
    this.#waitFor(picture.link);
    this.#freeSince = this.#isFree(picture) ? (this.#freeSince ?? this.#options.now()) : undefined;
    this.#picture = picture;
    this.#act();
  }

  /** Of what was looked at last. */
  carrierOf(link: KernelLink | undefined): Carrier {
    if (link === undefined || this.#hopeless) return "none";
    if (link.carrier) return "up";
    if (!link.up && this.#wish !== "needed") return "unknown";
    return this.#isRecent(link.up ? this.#upSince : this.#downSince) ? "unknown" : "none";
  }

  #waitFor(link: KernelLink | undefined): void {
    const current = this.#options.now();
    if (link === undefined || link.up) this.#hopeless = false;
    const needed = link?.up === true || this.#wish === "needed";
    if (link === undefined || link.carrier || !needed) {
      this.#downSince = undefined;
      this.#upSince = undefined;
      return;
    }
    if (!link.up) {
      this.#downSince ??= current;
      this.#hopeless ||= !this.#isRecent(this.#downSince);
    } else if (this.#picture?.link?.up === false) this.#upSince ??= current;
  }

  #isRecent(since: Instant | undefined): boolean {
    return since !== undefined && elapsed(since, this.#options.now()) < carrierPatience;
  }

  #isFree({ link, service }: Picture): boolean {
    const { addresses, former } = this.#options.scene();
    const gone = presenceOf([...addresses, ...former], service) === "none";
    return this.#wish === "free" && link?.carrier === true && gone;
  }

  #act(): void {
    const { now, troubles } = this.#options;
    const { link } = this.#picture ?? {};
    if (link === undefined) return;
    const state = this.#missing(link);
    if (state === undefined) troubles.mended("link");
    else if (this.#job === undefined && now() >= this.#notBefore) this.#set(state);
  }

  #missing({ up }: KernelLink): "up" | "down" | undefined {
    if (!up) return this.#wish === "needed" || this.#hopeless ? "up" : undefined;
    const since = this.#freeSince;
    const rested = since !== undefined && elapsed(since, this.#options.now()) >= restBeforeDown;
    return rested ? "down" : undefined;
  }

  #set(state: "up" | "down"): void {
    const { batch, troubles, now, interface: device } = this.#options;
    const wish = this.#wish;
    const callOff = batch.run([`link set dev ${device} ${state}`], (result) => {
      this.#job = undefined;
      if (result.kind === "failed") {
        this.#hopeless ||= state === "up";
        troubles.say("link", result.reasons.join("; "));
      }
      if (result.kind === "killed")
        troubles.say("link", `Cannot tell whether ${device} was put ${state}: ${result.reason}`);
      // What was done for a wish that has changed holds nothing up.
      if (wish === this.#wish)
        this.#notBefore = after(now(), this.#hopeless ? hopelessEvery : commandEvery);
      this.#act();
    });
    this.#job = { state, callOff };
  }
}
