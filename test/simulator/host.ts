import type { Host } from "../../src/agent/ports.ts";
import type { HandoverId } from "../../src/core/beat.ts";
import {
  type Diversion,
  type DiversionWish,
  type Flow,
  noDiversion,
  sameDiversion,
} from "../../src/core/diversion.ts";
import { sameWish, type Wish } from "../../src/core/effect.ts";
import type { Event, Presence } from "../../src/core/event.ts";
import { idOf } from "./clients.ts";
import { SimLink } from "./link.ts";
import type { Machine } from "./machine.ts";

/** What a host that was given no wish yet leaves as it is. */
const restful: Wish = {
  address: "absent",
  silent: "absent",
  door: "open",
  link: "needed",
  diversion: noDiversion,
};

/** A wish for silence holds the removal of the address up for so long at most. */
const silencePatience = 500;

/**
 * The simulated Linux floor: commands take time and fail, what came of them is observed a moment later,
 * and one command is under way at a time. Lease renewals are synchronous, as netlink is.
 */
export class SimHost implements Host {
  private readonly machine: Machine;
  private readonly report: (event: Event) => void;
  private wish: Wish = restful;
  private wished = false;
  private wishedAt = 0;
  private seen: Presence;
  private readonly link: SimLink;
  private busy = false;
  private diverting = false;
  /** A wish was uttered, and what came of it has not been said yet. */
  private owed = false;
  private adding = false;
  private callOff: () => void = () => {};
  private abandoned = false;
  private abandonedAt = Number.POSITIVE_INFINITY;

  constructor(machine: Machine, report: (event: Event) => void) {
    this.machine = machine;
    this.report = report;
    this.seen = machine.kernel.present ? "all" : "none";
    this.link = new SimLink(machine);
  }

  /** The agent is gone; a command that is under way is not. */
  abandon(): void {
    this.abandoned = true;
    this.link.abandon();
    this.abandonedAt = this.machine.world.schedule.now;
  }

  start(): void {
    this.tellCarrier();
    this.machine.tell({ kind: "address-observed", presence: this.seen });
    this.count();
  }

  tellCarrier(): void {
    this.link.tell();
  }

  /** Whatever happened while the agent could not look. */
  thaw(): void {
    if (this.machine.kernel.link !== undefined) this.tellCarrier();
    this.next();
    this.divert();
  }

  reconcile(wish: Wish): void {
    if (wish.door === "closed" && this.wish.door === "open") this.closeDoor();
    if (wish.address === "absent") this.callOff();
    const besidesLink = { ...wish, link: this.wish.link };
    if (!this.wished || !sameWish(besidesLink, this.wish)) {
      this.wishedAt = this.machine.world.schedule.now;
      this.owed = true;
    }
    this.wish = wish;
    this.wished = true;
    this.link.reconcile(wish.link);
    this.next();
    this.divert();
  }

  /** The kernel's word, through the monitor. */
  observe(presence: Presence): void {
    if (this.abandoned) return;
    this.seen = presence;
    // A command that is under way may still add it: said when that is done.
    if (presence === "none" && this.adding) return;
    this.machine.tell({ kind: "address-observed", presence });
    if (!this.machine.frozen && !this.machine.kernel.paused) this.next();
  }

  renew(): void {
    const { kernel } = this.machine;
    if (this.seen === "none" || this.wish.address === "absent" || kernel.paused) return;
    kernel.set(this.machine.policy.lease);
    this.report({ kind: "renewed", sentAt: this.machine.now() });
  }

  /** The kernel takes it from the machine's policy, which nobody changes here. */
  useLease(): void {}

  announce(): void {
    this.machine.world.announce(this.machine);
  }

  probe(): void {
    this.machine.world.probe(this.machine);
  }

  probeWitness(): void {
    this.machine.world.probeWitness(this.machine);
  }

  probePeer(): void {
    this.machine.world.probePeer(this.machine);
  }

  listKept(id: HandoverId): void {
    const { world, kernel } = this.machine;
    this.soon(30, () => {
      const flows = world.clients.flowsAt(this.machine);
      kernel.kept = new Set(flows.map(idOf));
      this.machine.tell({ kind: "kept-listed", id, flows });
    });
  }

  placeKept(id: HandoverId, flows: readonly Flow[]): void {
    this.soon(30, () => {
      this.machine.kernel.kept = new Set(flows.map(idOf));
      this.machine.tell({ kind: "kept-placed", id });
    });
  }

  cutKept(): void {
    this.machine.world.clients.end((_, at) => at === this.machine);
  }

  private next(): void {
    if (this.busy || this.abandoned || !this.wished) return;
    const { kernel, policy } = this.machine;
    const wanted = this.wish.silent === "present";
    const mute = wanted && this.wish.address === "absent";
    const silent = kernel.local && kernel.muted;
    const leaving = this.wish.address === "absent" && this.seen !== "none";
    const waits =
      mute && !silent && this.machine.world.schedule.now < this.wishedAt + silencePatience;
    if (leaving && !waits) this.command(() => kernel.remove());
    else if (wanted && (!kernel.local || kernel.muted !== mute))
      this.command(() => this.silence(true, mute));
    else if (this.wish.address === "present" && this.seen === "none")
      this.add(() => kernel.set(policy.lease));
    else if (!wanted && (kernel.local || kernel.muted))
      this.command(() => this.silence(false, false));
    else if (this.owed) this.answer();
  }

  private answer(): void {
    this.owed = false;
    this.machine.tell({ kind: "address-observed", presence: this.seen });
    this.machine.tell({ kind: "silent-observed", present: this.machine.kernel.local });
  }

  private closeDoor(): void {
    const { world } = this.machine;
    world.schedule.after(world.random.between(5, 40), () => {
      if (!this.abandoned) this.machine.tell({ kind: "door-observed", quiet: true });
    });
  }

  private silence(local: boolean, muted: boolean): void {
    this.machine.kernel.local = local;
    this.machine.kernel.muted = muted;
    this.machine.tell({ kind: "silent-observed", present: local });
  }

  /** One nft at a time; a wish that changed meanwhile is looked at when it is done. */
  private divert(): void {
    if (this.diverting || this.abandoned || !this.wished) return;
    const { kernel, world } = this.machine;
    const wanted = this.wish.diversion;
    const aim = wanted.kind === "reset" ? noDiversion : wanted;
    if (sameDiversion(kernel.diversion, aim)) {
      this.tellDiversion(aim);
      return;
    }
    this.diverting = true;
    world.schedule.after(world.random.between(1, 20), () => {
      this.diverting = false;
      const lives = kernel.powered && !kernel.paused && !this.abandoned;
      const fails = world.random.chance(world.weather.commandFailure);
      if (lives && !fails) this.putDiversion(wanted);
      if (!this.machine.frozen) this.divert();
    });
  }

  private putDiversion(diversion: DiversionWish): void {
    const { kernel, world } = this.machine;
    if (diversion.kind === "reset") this.resetDiverted();
    if (diversion.kind === "none" || diversion.kind === "reset") kernel.forget();
    else kernel.diversion = diversion;
    world.note();
  }

  /** Whoever waits for the machine that is gone hears it from this one. */
  private resetDiverted(): void {
    const { world, kernel } = this.machine;
    const elsewhere = new Set([...kernel.moved, ...kernel.kept]);
    world.clients.end((id, at) => elsewhere.has(id) && at !== this.machine);
  }

  private told: Diversion = noDiversion;

  private tellDiversion(diversion: Diversion): void {
    if (sameDiversion(this.told, diversion)) return;
    this.told = diversion;
    this.machine.tell({ kind: "diversion-observed", diversion });
  }

  private count(): void {
    const { world } = this.machine;
    world.schedule.after(250, () => {
      if (this.abandoned) return;
      const { silent, diversion } = this.wish;
      if (silent === "present" || diversion.kind !== "none") {
        const connections = world.clients.countAt(this.machine);
        this.machine.tell({ kind: "connections-counted", connections, stragglers: 0 });
      }
      this.count();
    });
  }

  private soon(wait: number, act: () => void): void {
    const { world } = this.machine;
    const rarely = world.random.chance(0.02) ? Math.min(1000, world.weather.commandSlowness) : wait;
    world.schedule.after(world.random.between(1, rarely), () => {
      if (!this.abandoned && this.machine.kernel.powered && !this.machine.kernel.paused) act();
    });
  }

  private add(act: () => void): void {
    this.adding = true;
    let calledOff = false;
    this.callOff = () => {
      calledOff = true;
    };
    const actUnlessCalledOff = (): void => {
      if (!calledOff) act();
    };
    this.command(actUnlessCalledOff, () => {
      this.adding = false;
      if (!this.machine.kernel.present) this.observe("none");
    });
  }

  /** One that takes longer than half a lease is killed with its child, and never happens. */
  private command(act: () => void, done: () => void = () => {}): void {
    const { world, policy } = this.machine;
    this.busy = true;
    const rarely = world.random.chance(0.02)
      ? world.weather.commandSlowness
      : Math.min(1, world.weather.commandSlowness);
    const wait = world.random.between(0.02, rarely);
    const killed = wait > policy.lease / 2 || world.random.chance(world.weather.commandFailure);
    world.schedule.after(Math.min(wait, policy.lease / 2), () => {
      if (!killed && this.machine.kernel.powered && !this.abandonedLong()) act();
      // The monitor reports before the next step is chosen.
      world.schedule.after(2, () => {
        this.busy = false;
        done();
        if (!this.machine.frozen) this.next();
      });
    });
  }

  /** A command outlives its agent by a moment: systemd ends what its main process leaves behind. */
  private abandonedLong(): boolean {
    return this.machine.world.schedule.now > this.abandonedAt + 20;
  }
}
