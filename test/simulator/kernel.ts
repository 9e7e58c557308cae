import { type Diversion, noDiversion } from "../../src/core/diversion.ts";
import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";

/** From 0 to 1, the same for a flow at any time, as jhash with one seed is. */
const hashOf = (flow: number): number => ((flow * 2_654_435_761) % 1000) / 1000;

/**
 * The kernel of a simulated machine as far as the address goes: a lifetime that runs in the kernel's own
 * time, looked at once a second; an ARP answer that depends on nothing but what stands here.
 */
export class SimKernel {
  /** The whole machine is paused: no time passes in it, and nobody answers. */
  paused = false;
  powered = true;
  /** Another program removed the address, and it was not put back yet. */
  torn = false;
  /** The address on `lo`, and the rule that keeps it from being answered for. */
  local = false;
  muted = false;
  /** What is passed on, and the flows that its rules remember. */
  diversion: Diversion = noDiversion;
  readonly moved = new Set<number>();
  kept: ReadonlySet<number> = new Set();
  /** Every command that adds an address fails. */
  refuses = false;
  /** The cable of the service interface is in. */
  carrier = true;
  /** Undefined: the interface is the administrator's, and up. */
  link: { up: boolean; negotiated: boolean } | undefined;
  onLink: () => void = () => {};
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
    return this.powered && !this.paused && this.connected && this.present;
  }

  /** Frames pass its service interface. */
  get connected(): boolean {
    return this.carrier && (this.link === undefined || (this.link.up && this.link.negotiated));
  }

  /** A port takes its time to agree with the switch. */
  setLink(up: boolean): void {
    if (this.link === undefined || this.link.up === up) return;
    const link = { up, negotiated: false };
    this.link = link;
    if (up)
      this.schedule.after(this.random.between(50, 3000), () => {
        link.negotiated = true;
        this.onLink();
      });
    this.onLink();
  }

  get hasAddress(): boolean {
    return this.present || this.local;
  }

  /** The rules at the ingress hook: a first packet is decided once, and everything after it goes the same way. */
  passesOn(flow: number, syn: boolean): boolean {
    const { diversion } = this;
    switch (diversion.kind) {
      case "none":
        return false;
      case "share":
        if (syn && hashOf(flow) < diversion.share) this.moved.add(flow);
        return this.moved.has(flow);
      case "all-but-kept":
        // Should the address not move after all, whoever came meanwhile belongs to the other machine.
        if (syn && !this.kept.has(flow)) this.moved.add(flow);
        return !this.kept.has(flow);
      case "kept":
        return this.kept.has(flow);
    }
  }

  /** What an agent that starts removes, unless it goes on with the swap of the last one. */
  clear(): void {
    this.local = false;
    this.muted = false;
    this.forget();
  }

  /** Every table of ours, and what it remembers. */
  forget(): void {
    this.diversion = noDiversion;
    this.moved.clear();
    this.kept = new Set();
  }

  /** `ip addr change`: also adds, as the real one does. */
  set(lease: number): void {
    if (this.refuses && !this.present) return;
    const fresh = !this.present;
    this.until = this.clock() + lease;
    this.watch(this.until);
    this.torn = false;
    if (fresh) this.changed();
  }

  remove(): void {
    if (!this.present) return;
    this.until = undefined;
    this.changed();
  }

  removeByHand(): void {
    if (!this.present || this.paused) return;
    this.torn = true;
    this.remove();
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
    this.setLink(false);
    this.clear();
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
