import { expect } from "vitest";

import type { Host } from "../../src/agent/ports.ts";
import type { Event, Presence } from "../../src/core/event.ts";
import { describeHost, type HostHarness } from "../contract/host-contract.ts";
import { World } from "./world.ts";

/** The simulated host keeps what the Linux host keeps, or what the simulator proves proves nothing. */
class SimHarness implements HostHarness {
  readonly events: Event[] = [];
  readonly host: Host;
  readonly mac: string;
  readonly neighbourMac: string;
  readonly leaseMillis: number;
  private readonly world = new World({ seed: 1 });
  private answered = false;
  private renewals = 0;

  constructor() {
    const [here, there] = this.world.machines;
    here.kernel.powered = true;
    there.kernel.powered = true;
    here.tell = (event) => this.events.push(event);
    there.tell = (event) => {
      if (event.kind === "neighbour-answered") this.answered = event.mac === here.mac;
    };
    this.mac = here.mac;
    this.neighbourMac = there.mac;
    this.leaseMillis = here.policy.lease;
    const host = here.newHost();
    this.host = host;
    host.start();
  }

  async wait(millis: number): Promise<void> {
    this.world.run(millis);
  }

  async eventually(what: string, seen: () => boolean, withinMillis = 5000): Promise<void> {
    for (let waited = 0; !seen() && waited < withinMillis; waited += 1) this.world.run(1);
    expect(seen(), what).toBe(true);
  }

  keepRenewing(every: number): void {
    this.renewals += 1;
    const rhythm = this.renewals;
    const renew = () => {
      if (rhythm !== this.renewals) return;
      this.host.renew();
      this.world.schedule.after(every, renew);
    };
    if (every > 0) renew();
  }

  presence(): Presence {
    return this.world.machines[0].kernel.present ? "all" : "none";
  }

  async answers(): Promise<boolean> {
    this.answered = false;
    this.world.probe(this.world.machines[1]);
    this.world.run(50);
    return this.answered;
  }

  removeByHand(): void {
    this.world.machines[0].kernel.remove();
  }

  setCarrier(up: boolean): void {
    this.world.machines[0].setCarrier(up);
  }

  setOtherHolder(holds: boolean): void {
    const { kernel } = this.world.machines[1];
    if (holds) kernel.set(1e9);
    else kernel.remove();
  }

  setWitness(alive: boolean): void {
    this.world.gatewayWell = alive;
  }

  neighbourKnows(): string | undefined {
    return this.world.clientsArp;
  }

  misleadNeighbour(mac: string): void {
    this.world.clientsArp = mac;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.keepRenewing(0);
  }
}

describeHost("the simulated host", async () => new SimHarness());
