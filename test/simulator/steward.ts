import type { StewardEffect } from "../../src/agent/ports.ts";
import type { JournalEntry } from "../../src/core/effect.ts";
import { millis } from "../../src/core/time.ts";
import type { Machine } from "./machine.ts";

type Counting = Extract<StewardEffect, { kind: "count-traffic" }>;

/** Log, journal, access_log and canaries of a simulated machine. */
export class SimSteward {
  private readonly machine: Machine;
  private readonly alive: () => boolean;
  private counting: Counting | undefined;
  private openedBefore = 0;
  private written = 0;
  private onDisk = 0;
  private requests = 0;
  private errors = 0;

  constructor(machine: Machine, alive: () => boolean) {
    this.machine = machine;
    this.alive = alive;
  }

  perform(effect: StewardEffect): void {
    const { world } = this.machine;
    switch (effect.kind) {
      case "tell":
        world.tell(this.machine, effect.sentence);
        return;
      case "journal":
        this.write(effect.entry);
        return;
      case "measure-baseline":
        this.later(50, () =>
          this.machine.tell({
            kind: "baseline-measured",
            id: effect.id,
            result: this.logged()
              ? { kind: "served", requests: this.usual, errors: 0, span: millis(10_000) }
              : { kind: "unproved", reason: "the access_log shows no served traffic" },
          }),
        );
        return;
      case "rehearse":
        this.later(30, () =>
          this.machine.tell({ kind: "rehearsed", id: effect.id, result: this.rehearse() }),
        );
        return;
      case "count-traffic":
        this.counting = effect;
        this.requests = 0;
        this.errors = 0;
        this.machine.tagged = false;
        this.count(effect);
        return;
      case "drain-hook":
        return;
      case "send-tagged": {
        const other = world.other(this.machine);
        // Where the address is local, the request does not leave the machine.
        if (!this.machine.kernel.hasAddress && other.kernel.speaks) other.tagged = true;
        return;
      }
    }
  }

  private logged(): boolean {
    return this.machine.web !== "down" && this.machine.web !== "no log";
  }

  private get usual(): number {
    return this.machine.web === "quiet" ? 0 : 2000;
  }

  private rehearse() {
    return this.logged()
      ? ({ kind: "ready" } as const)
      : ({
          kind: "unready",
          reason: "the page asked for was not found in the access_log",
        } as const);
  }

  /** Ten times a second, as many requests as reach a machine that serves. */
  private count(counting: Counting): void {
    if (this.counting !== counting) return;
    this.later(100, () => {
      const { world } = this.machine;
      const opened = world.clients.opened.get(this.machine.name) ?? 0;
      const reached = this.machine.kernel.speaks && world.clientsReach(this.machine);
      const handed = opened > this.openedBefore;
      this.openedBefore = opened;
      if ((reached || handed) && this.logged() && this.machine.web !== "quiet") {
        this.requests += 20;
        if (this.machine.web === "errors") this.errors += 20;
      }
      const { requests, errors } = this;
      const { id, step } = counting;
      const tagged = requests > 0 || (this.machine.tagged && this.logged());
      this.machine.tell({ kind: "traffic-counted", id, step, requests, errors, tagged });
      this.count(counting);
    });
  }

  private later(wait: number, act: () => void): void {
    this.machine.world.schedule.after(wait * this.machine.world.random.between(0.5, 1.5), () => {
      if (this.alive()) act();
    });
  }

  private write(entry: JournalEntry): void {
    const { world, boots } = this.machine;
    this.written += 1;
    const number = this.written;
    world.schedule.after(world.random.between(0.5, 30), () => {
      // Entries replace each other in their order, as one file does.
      if (!this.alive() || number < this.onDisk || world.random.chance(world.weather.diskFailure))
        return;
      this.onDisk = number;
      this.machine.journal = { entry, boot: boots };
    });
  }
}
