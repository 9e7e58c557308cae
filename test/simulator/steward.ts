import type { StewardEffect } from "../../src/agent/ports.ts";
import type { JournalEntry } from "../../src/core/effect.ts";
import { millis } from "../../src/core/time.ts";
import type { Machine } from "./machine.ts";

/** Log, journal, access_log and canaries of a simulated machine. */
export class SimSteward {
  private readonly machine: Machine;
  private readonly alive: () => boolean;
  private counting: string | undefined;
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
              ? { kind: "served", requests: 2000, errors: 0, span: millis(10_000) }
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
        this.counting = effect.id;
        this.requests = 0;
        this.errors = 0;
        this.count(effect.id);
        return;
      case "send-tagged":
        return;
    }
  }

  private logged(): boolean {
    return this.machine.web === "well" || this.machine.web === "errors";
  }

  private rehearse() {
    return this.machine.web === "well" || this.machine.web === "errors"
      ? ({ kind: "ready" } as const)
      : ({
          kind: "unready",
          reason: "the page asked for was not found in the access_log",
        } as const);
  }

  /** Ten times a second, as many requests as reach a machine that serves. */
  private count(id: string): void {
    if (this.counting !== id) return;
    this.later(100, () => {
      if (
        this.machine.kernel.speaks &&
        this.machine.world.clientsReach(this.machine) &&
        this.logged()
      ) {
        this.requests += 20;
        if (this.machine.web === "errors") this.errors += 20;
      }
      const { requests, errors } = this;
      this.machine.tell({ kind: "traffic-counted", id, requests, errors, tagged: requests > 0 });
      this.count(id);
    });
  }

  private later(wait: number, act: () => void): void {
    this.machine.world.schedule.after(wait * this.machine.world.random.between(0.5, 1.5), () => {
      if (this.alive()) act();
    });
  }

  private write(entry: JournalEntry): void {
    const { world, boots } = this.machine;
    world.schedule.after(world.random.between(0.5, 30), () => {
      if (!this.alive() || world.random.chance(world.weather.diskFailure)) return;
      this.machine.journal = { entry, boot: boots };
    });
  }
}
