import type { Report } from "../agent/ports.ts";
import type { AddressWish } from "../core/effect.ts";
import type { Carrier } from "../core/event.ts";
import { elapsed, type Instant, type Millis, millis, times } from "../core/time.ts";
import type { CommandListener } from "./command.ts";
import type { IpAddress } from "./ip-address.ts";
import { IpBatch } from "./ip-batch.ts";
import { IpMonitor } from "./ip-monitor.ts";
import type { MonitorFact } from "./ip-monitor-lines.ts";
import type { KernelLink } from "./netlink.ts";
import { NetlinkSocket } from "./netlink-socket.ts";
import {
  entryOf,
  isNews,
  type Kernel,
  lookAt,
  type Picture,
  presenceOf,
  type Scene,
  silentIsComplete,
  withAddresses,
  withoutGone,
} from "./picture.ts";
import { Reconciler } from "./reconciler.ts";
import { removalSentence } from "./removal.ts";
import { Renewal } from "./renewal.ts";
import { Told } from "./told.ts";
import type { Troubles } from "./troubles.ts";

export interface AddressKeeperOptions {
  readonly scene: Scene;
  readonly leaseSeconds: number;
  readonly carrierOf: (link: KernelLink | undefined) => Carrier;
  readonly report: Report;
  readonly now: () => Instant;
  readonly afterSockets: (act: () => void) => void;
  readonly onCommand: CommandListener;
  readonly troubles: Troubles;
  /** After every look, before `picture` changes and before anything is reported. */
  readonly onPicture: (picture: Picture) => void;
}

/** The monitor could have missed something: so often the kernel is asked without a reason. */
const lookEveryMillis = 1000;

/**
 * Keeps the pair's addresses as they are wished. The monitor says when to look, netlink what is
 * there, the reconciler does what is missing, and then the kernel is asked again. What is reported
 * is always what was seen, at the moment it was seen.
 */
export class AddressKeeper {
  readonly #options: AddressKeeperOptions;
  readonly #kernel: Kernel;
  /** One command after the other, whoever asks. */
  readonly batch: IpBatch;
  readonly #monitor: IpMonitor;
  readonly #reconciler: Reconciler;
  readonly #renewal: Renewal;
  #scene: Scene;
  #lease: Millis;
  #wish: AddressWish | undefined;
  #picture: Picture | undefined;
  readonly #told: Told;
  /** A wish was uttered, and what came of it has not been said yet. */
  #owed = { address: false, silent: false };
  /** When the lease of what is there was last begun or renewed. */
  #leasedAt: Instant | undefined;
  #settling = false;
  #settleAgain = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AddressKeeperOptions) {
    const { now, troubles, onCommand } = options;
    this.#options = options;
    this.#told = new Told(options.report);
    this.#scene = options.scene;
    this.#lease = millis(options.leaseSeconds * 1000);
    this.#kernel = { route: new NetlinkSocket("route"), netfilter: new NetlinkSocket("netfilter") };
    this.batch = new IpBatch({ patience: () => times(this.#lease, 0.5), onCommand });
    this.#monitor = new IpMonitor({
      onFacts: (facts) => options.afterSockets(() => this.#heard(facts)),
      onStarted: () => this.#lookAndSettle("unknown"),
      troubles,
    });
    this.#reconciler = new Reconciler({
      scene: () => this.#scene,
      leaseSeconds: () => this.#lease / 1000,
      now,
      onCommand,
      troubles,
      batch: this.batch,
      onStepDone: () => this.#lookAndSettle("our own doing"),
    });
    this.#renewal = new Renewal({
      now,
      lease: () => this.#lease,
      route: this.#kernel.route,
      addresses: () => this.#scene.addresses,
      holderOf: (address) => this.#holderOf(address),
      onRenewed: (sentAt) => this.#renewed(sentAt),
      onRefused: (sentence) => this.#refused(sentence),
    });
  }

  start(): void {
    this.batch.start();
    this.#monitor.start();
    this.#timer = setInterval(() => this.#lookAndSettle("unknown"), lookEveryMillis);
  }

  /** The newest wish wins; what is under way for an older one ends first, within `lease`/2. */
  reconcile(wish: AddressWish): void {
    const before = this.#wish;
    const same = before?.address === wish.address && before.silent === wish.silent;
    if (same || this.#stopped) return;
    this.#wish = wish;
    this.#owed = { address: true, silent: true };
    this.#reconciler.forgive();
    if (wish.address === "absent") this.#renewal.stop();
    this.#look("our own doing");
    this.#settle();
  }

  useLease(lease: Millis): void {
    this.#lease = lease;
  }

  /** Those that are new come and those that are not named any more go, as what is wished says. */
  useAddresses(addresses: readonly IpAddress[]): void {
    this.#scene = withAddresses(this.#scene, addresses);
    // The rest of a renewal counts through the old list.
    this.#renewal.stop();
    this.#reconciler.forgive();
    this.#lookAndSettle("our own doing");
  }

  /**
   * Renews what is there. A renewal would create an address that is missing, so where it was last
   * seen absent, or is wished absent, this only says what was seen. One that comes late looks
   * first.
   */
  renew(): void {
    const age = elapsed(this.#leasedAt ?? this.#options.now(), this.#options.now());
    if (age > times(this.#lease, 0.5)) {
      this.#look("unknown");
      this.#settle();
    }
    if (this.#scene.addresses.some((address) => this.#holderOf(address) !== undefined)) {
      this.#renewal.renew();
      return;
    }
    if (this.#picture !== undefined) this.#told.again(this.#addressIn(this.#picture));
  }

  /** By our own clock the lease still runs: a process that was stopped knows before it looks. */
  get leaseRuns(): boolean {
    return (
      this.#leasedAt !== undefined && elapsed(this.#leasedAt, this.#options.now()) < this.#lease
    );
  }

  get scene(): Scene {
    return this.#scene;
  }

  get picture(): Picture | undefined {
    return this.#picture;
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#monitor.stop();
    this.batch.stop();
    this.#reconciler.stop();
    this.#renewal.stop();
    this.#kernel.route.close();
    this.#kernel.netfilter.close();
  }

  #lookAndSettle(cause: Cause): void {
    this.#options.afterSockets(() => {
      this.#look(cause);
      this.#settle();
    });
  }

  #look(cause: Cause): void {
    if (this.#stopped) return;
    const { carrierOf, now, troubles, onPicture } = this.#options;
    // Asking for a table loads nftables into the kernel: only where there is or was a reason.
    const mute = this.#wish?.silent === "present" || this.#picture?.muted !== false;
    const seen = lookAt(this.#scene, this.#kernel, { mute });
    if (typeof seen === "string") {
      troubles.say("look", seen);
      return;
    }
    troubles.mended("look");
    if (cause === "unknown" && !this.#reconciler.changingAddress) this.#nameRemovals(seen);
    if (this.#reconciler.isIdle) this.#scene = withoutGone(this.#scene, seen);
    onPicture(seen);
    this.#picture = seen;
    const { mac = "" } = seen.link ?? {};
    this.#told.news({ kind: "carrier-observed", carrier: carrierOf(seen.link), mac });
    // A report may have brought a wish, and a newer look with it, which told the rest.
    if (this.#picture !== seen) return;
    const observed = this.#addressIn(seen);
    const { presence } = observed;
    if (presence === "all" && !this.#told.isLast(observed)) this.#leasedAt = now();
    // A command of ours that is under way may still add it; there is a look when it is done.
    if (presence !== "none" || !this.#reconciler.changingAddress) this.#told.news(observed);
    if (this.#picture === seen) this.#told.news(this.#silentIn(seen));
  }

  /** A report may bring a new wish before it returns: the loop ends when nothing new came. */
  #settle(): void {
    this.#settleAgain = true;
    if (this.#settling) return;
    this.#settling = true;
    while (this.#settleAgain) {
      this.#settleAgain = false;
      this.#step();
    }
    this.#settling = false;
  }

  #step(): void {
    const picture = this.#picture;
    if (this.#wish === undefined || picture === undefined || this.#stopped) return;
    const fulfilled = this.#reconciler.step(this.#wish, picture);
    const tell = {
      address: this.#owed.address && fulfilled.address,
      silent: this.#owed.silent && fulfilled.silent,
    };
    this.#owed = {
      address: this.#owed.address && !tell.address,
      silent: this.#owed.silent && !tell.silent,
    };
    if (tell.address) this.#told.again(this.#addressIn(picture));
    if (tell.silent) this.#told.again(this.#silentIn(picture));
  }

  #heard(facts: readonly MonitorFact[]): void {
    // What our own commands do is looked at when they are done.
    const own = (fact: MonitorFact) => fact.kind === "address" && this.#reconciler.changingAddress;
    const news = facts.filter((fact) => !own(fact) && isNews(fact, this.#scene, this.#picture));
    if (news.length === 0) return;
    this.#look("unknown");
    this.#settle();
  }

  #nameRemovals(seen: Picture): void {
    if (this.#wish?.address !== "present") return;
    const { now, troubles } = this.#options;
    const lease = { lease: this.#lease, leaseAge: elapsed(this.#leasedAt ?? now(), now()) };
    const sentence = removalSentence(this.#scene, this.#picture, seen, lease);
    if (sentence !== undefined) troubles.happened("removal", sentence);
  }

  #holderOf(address: IpAddress): number | undefined {
    if (this.#wish?.address !== "present" || this.#picture === undefined) return undefined;
    if (this.#stopped) return undefined;
    const entry = entryOf(address, this.#picture.service);
    return entry && this.#picture.link?.index;
  }

  #renewed(sentAt: Instant): void {
    this.#leasedAt = sentAt;
    this.#options.troubles.mended("renewal");
    this.#options.report({ kind: "renewed", sentAt });
  }

  #refused(sentence: string): void {
    this.#options.troubles.say("renewal", sentence);
    this.#lookAndSettle("unknown");
  }

  #addressIn({ service }: Picture) {
    const presence = presenceOf(this.#scene.addresses, service);
    return { kind: "address-observed", presence } as const;
  }

  #silentIn(picture: Picture) {
    const present = silentIsComplete(this.#scene, picture, this.#wish ?? restful);
    return { kind: "silent-observed", present } as const;
  }
}

/** Before anything was wished. */
const restful: AddressWish = { address: "absent", silent: "absent" };

/** Why the kernel is looked at: after our own doing, what is gone was not taken from us. */
type Cause = "our own doing" | "unknown";
