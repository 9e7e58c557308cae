import type { Wish } from "../../src/core/effect.ts";
import type { Carrier } from "../../src/core/event.ts";
import type { Machine } from "./machine.ts";

/** From the interface being put up to its carrier counting as missing. */
const carrierPatience = 6000;
/** From its being free to its being put down. */
const restBeforeDown = 1000;

/** The service interface, and what the simulated Linux floor says and makes of it. */
export class SimLink {
  private readonly machine: Machine;
  private wish: Wish["link"] | undefined;
  private wishedAt = 0;
  private known: Machine["kernel"]["link"];
  private upAt = Number.NEGATIVE_INFINITY;
  private freeSince: number | undefined;
  private abandoned = false;

  constructor(machine: Machine) {
    this.machine = machine;
    this.known = machine.kernel.link;
  }

  abandon(): void {
    this.abandoned = true;
  }

  reconcile(wish: Wish["link"]): void {
    if (wish !== this.wish) this.wishedAt = this.machine.world.schedule.now;
    this.wish = wish;
    this.move();
  }

  /** The kernel's word; again when the patience with it is over. */
  tell(): void {
    if (this.abandoned) return;
    const { kernel, world, mac } = this.machine;
    if (kernel.link !== this.known) {
      this.known = kernel.link;
      this.upAt = world.schedule.now;
      if (kernel.link?.up === true) world.schedule.after(carrierPatience, () => this.tell());
    }
    this.machine.tell({ kind: "carrier-observed", carrier: this.carrier(), mac });
    this.move();
  }

  private carrier(): Carrier {
    const { kernel, world } = this.machine;
    const { link } = kernel;
    if (kernel.connected) return "up";
    if (link === undefined) return "none";
    if (!link.up && this.wish !== "needed") return "unknown";
    const since = link.up ? this.upAt : this.wishedAt;
    return world.schedule.now < since + carrierPatience ? "unknown" : "none";
  }

  private move(): void {
    const { kernel, world, frozen } = this.machine;
    const { link } = kernel;
    if (link === undefined || this.wish === undefined || this.abandoned || frozen) return;
    const free = this.wish === "free" && kernel.connected && !kernel.present;
    if (!free) this.freeSince = undefined;
    if (this.wish === "needed" && !link.up) this.soon(() => kernel.setLink(true));
    if (!free) return;
    const { now } = world.schedule;
    if (this.freeSince === undefined) world.schedule.after(restBeforeDown + 1, () => this.move());
    this.freeSince ??= now;
    if (now >= this.freeSince + restBeforeDown)
      this.soon(() => {
        if (this.wish === "free") kernel.setLink(false);
      });
  }

  private soon(act: () => void): void {
    const { world, kernel } = this.machine;
    world.schedule.after(world.random.between(0.02, 20), () => {
      if (!this.abandoned && kernel.powered && !kernel.paused) act();
    });
  }
}
