import type { Host } from "../../src/agent/ports.ts";
import type { Wish } from "../../src/core/effect.ts";
import type { Event, Presence } from "../../src/core/event.ts";
import type { Machine } from "./machine.ts";

/**
 * The simulated Linux floor: commands take time and fail, what came of them is observed a moment later,
 * and one command is under way at a time. Lease renewals are synchronous, as netlink is.
 */
export class SimHost implements Host {
  private readonly machine: Machine;
  private readonly report: (event: Event) => void;
  private wish: Wish = { address: "absent", silent: "absent", door: "open" };
  private seen: Presence;
  private busy = false;
  /** A wish was uttered, and what came of it has not been said yet. */
  private owed = false;
  private abandoned = false;

  constructor(machine: Machine, report: (event: Event) => void) {
    this.machine = machine;
    this.report = report;
    this.seen = machine.kernel.present ? "all" : "none";
  }

  /** The agent is gone; a command that is under way is not. */
  abandon(): void {
    this.abandoned = true;
  }

  start(): void {
    const { kernel, mac } = this.machine;
    this.machine.tell({ kind: "carrier-observed", up: kernel.carrier, mac });
    this.machine.tell({ kind: "address-observed", presence: this.seen });
  }

  /** Whatever happened while the agent could not look. */
  thaw(): void {
    this.next();
  }

  reconcile(wish: Wish): void {
    if (wish.door === "closed" && this.wish.door === "open") this.closeDoor();
    this.wish = wish;
    this.owed = true;
    this.next();
  }

  /** The kernel's word, through the monitor. */
  observe(presence: Presence): void {
    if (this.abandoned) return;
    this.seen = presence;
    this.machine.tell({ kind: "address-observed", presence });
    if (!this.machine.frozen && !this.machine.kernel.paused) this.next();
  }

  renew(): void {
    const { kernel } = this.machine;
    if (this.seen === "none" || this.wish.address === "absent" || kernel.paused) return;
    kernel.set(this.machine.policy.lease);
    this.report({ kind: "renewed", sentAt: this.machine.now() });
  }

  announce(): void {
    this.machine.world.announce(this.machine);
  }

  probe(): void {
    this.machine.world.probe(this.machine);
  }

  probeWitness(): void {
    this.machine.world.probeWitness(this.machine);
  }

  private next(): void {
    if (this.busy || this.abandoned) return;
    const { kernel } = this.machine;
    const wanted = this.wish.silent === "present";
    if (this.wish.address === "absent" && this.seen !== "none") this.command(() => kernel.remove());
    else if (wanted && !kernel.silent) this.command(() => this.silence(true));
    else if (this.wish.address === "present" && this.seen === "none")
      this.command(() => kernel.set(this.machine.policy.lease));
    else if (!wanted && kernel.silent) this.command(() => this.silence(false));
    else if (this.owed) this.answer();
  }

  private answer(): void {
    this.owed = false;
    this.machine.tell({ kind: "address-observed", presence: this.seen });
    this.machine.tell({ kind: "silent-observed", present: this.machine.kernel.silent });
  }

  private closeDoor(): void {
    const { world } = this.machine;
    world.schedule.after(world.random.between(5, 40), () => {
      if (!this.abandoned) this.machine.tell({ kind: "door-observed", quiet: true });
    });
  }

  private silence(on: boolean): void {
    this.machine.kernel.silent = on;
    this.machine.tell({ kind: "silent-observed", present: on });
  }

  /** One that takes longer than half a lease is killed with its child, and never happens. */
  private command(act: () => void): void {
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
        if (!this.machine.frozen) this.next();
      });
    });
  }

  /** A command outlives its agent by the moment that it was under way, never by a reboot. */
  private abandonedLong(): boolean {
    return this.abandoned && !this.machine.kernel.powered;
  }
}
