import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";

/**
 * The kernel of a simulated machine as far as the address goes: a lifetime that runs in the kernel's own
 * time, looked at once a second; an ARP answer that depends on nothing but what stands here.
 */
export class SimKernel {
  /** The whole machine is paused: no time passes in it, and nobody answers. */
  paused = false;
  powered = true;
  silent = false;
  /** Every command that adds an address fails. */
  refuses = false;
  carrier = true;
  private until: number | undefined;
  private pausedAt = 0;
  private pausedFor = 0;
  private readonly schedule: Schedule;
  private readonly random: Random;
  private readonly changed: () => void;

  constructor(schedule: Schedule, random: Random, changed: () => void) {
    this.schedule = schedule;
    this.random = random;
    this.changed = changed;
  }

  /** CLOCK_MONOTONIC of this machine before drift: stands still while the machine is paused. */
  clock(): number {
    return (this.paused ? this.pausedAt : this.schedule.now) - this.pausedFor;
  }

  get present(): boolean {
    return this.until !== undefined;
  }

  /** This machine's kernel answers ARP for the address. */
  get speaks(): boolean {
    return this.powered && !this.paused && this.carrier && this.present;
  }

  /** `ip addr change`: also adds, as the real one does. */
  set(lease: number): void {
    if (this.refuses && !this.present) return;
    const fresh = !this.present;
    this.until = this.clock() + lease;
    this.watch(this.until);
    if (fresh) this.changed();
  }

  remove(): void {
    if (!this.present) return;
    this.until = undefined;
    this.changed();
  }

  pause(): void {
    this.pausedAt = this.schedule.now;
    this.paused = true;
  }

  resume(): void {
    this.pausedFor += this.schedule.now - this.pausedAt;
    this.paused = false;
  }

  powerOff(): void {
    this.powered = false;
    this.until = undefined;
    this.silent = false;
  }

  /** net/ipv4/devinet.c, check_lifetime: at most once a second, so up to a second late. */
  private watch(until: number): void {
    const look = () => {
      if (!this.powered || this.until !== until) return;
      if (this.paused || this.clock() < until) {
        this.schedule.after(Math.max(20, until - this.clock()), look);
        return;
      }
      this.remove();
    };
    this.schedule.after(until - this.clock() + this.random.between(0, 1000), look);
  }
}
