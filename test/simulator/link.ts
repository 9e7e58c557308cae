import type { Wish } from "../../src/core/effect.ts";
import type { Carrier } from "../../src/core/event.ts";
import type { BatchResult, IpBatch } from "../../src/linux/ip-batch.ts";
import { parseAddress } from "../../src/linux/ip-address.ts";
import type { Picture, Scene } from "../../src/linux/picture.ts";
import { plainCarrier, ServiceLink } from "../../src/linux/service-link.ts";
import { Troubles } from "../../src/linux/troubles.ts";
import type { Machine } from "./machine.ts";

const address = parseAddress("203.0.113.10");
const interfaceIndex = 2;

const scene: Scene = {
  interface: "eth1",
  silentInterface: "lo",
  addresses: [address],
  former: [],
  muteTable: "failover",
};

/** Of the address keeper. */
const lookEvery = 1000;

/**
 * The service interface as the simulated Linux floor sees it. What decides about it is the real floor's own;
 * simulated are the kernel that it looks at and the `ip` that it commands.
 */
export class SimLink {
  private readonly machine: Machine;
  /** Undefined where only addresses move. */
  private readonly link: ServiceLink | undefined;
  private seen: Picture | undefined;
  private told: Carrier | undefined;
  private abandoned = false;

  constructor(machine: Machine) {
    this.machine = machine;
    if (machine.kernel.link === undefined) return;
    this.link = new ServiceLink({
      interface: scene.interface,
      scene: () => scene,
      batch: { run: (lines, done) => this.run(lines.join().endsWith(" up"), done) },
      now: () => machine.now(),
      troubles: new Troubles(() => {}),
    });
    this.keepLooking();
  }

  abandon(): void {
    this.abandoned = true;
  }

  reconcile(wish: Wish["link"]): void {
    this.link?.reconcile(wish, this.seen);
  }

  /** The kernel's word. */
  tell(): void {
    if (this.abandoned) return;
    const picture = this.picture();
    if (this.link === undefined) {
      this.say(plainCarrier(picture.link));
      return;
    }
    if (!this.lives) return;
    this.link.look(picture);
    this.seen = picture;
    const carrier = this.link.carrierOf(picture.link);
    if (carrier === this.told) return;
    this.told = carrier;
    this.say(carrier);
  }

  private say(carrier: Carrier): void {
    this.machine.tell({ kind: "carrier-observed", carrier, mac: this.machine.mac });
  }

  private get lives(): boolean {
    const { kernel, frozen } = this.machine;
    return kernel.powered && !kernel.paused && !frozen && !this.abandoned;
  }

  private keepLooking(): void {
    this.machine.world.schedule.after(lookEvery, () => {
      if (this.abandoned) return;
      this.tell();
      this.keepLooking();
    });
  }

  private picture(): Picture {
    const { kernel, mac } = this.machine;
    const { connected: carrier } = kernel;
    const entry = { interfaceIndex, address, prefixLength: 32, validFor: 2 };
    return {
      link: {
        index: interfaceIndex,
        name: scene.interface,
        mac,
        up: kernel.link?.up ?? true,
        carrier,
      },
      service: kernel.present ? [entry] : [],
      silentIndex: undefined,
      silent: [],
      muted: false,
    };
  }

  /** What is called off may have been carried out, or be under way; `ip` goes on while its agent is stopped. */
  private run(up: boolean, done: (result: BatchResult) => void): ReturnType<IpBatch["run"]> {
    const { world, kernel, policy } = this.machine;
    const { commandSlowness, commandFailure } = world.weather;
    const slow = world.random.chance(0.02) ? commandSlowness : 20;
    const wait = world.random.between(0.02, slow);
    const result = resultOf(wait > policy.lease / 2, world.random.chance(commandFailure));
    const late = world.random.chance(0.5);
    let calledOff = false;
    const act = (): void => {
      if (this.abandoned || !kernel.powered) return;
      if (kernel.paused) {
        world.schedule.after(20, act);
        return;
      }
      if (result.kind === "done" && (!calledOff || late)) kernel.setLink(up);
      this.conclude(() => done(calledOff ? { kind: "called-off" } : result));
    };
    world.schedule.after(Math.min(wait, policy.lease / 2), act);
    return () => {
      calledOff = true;
    };
  }

  /** An agent that is stopped hears of it when it goes on. */
  private conclude(tell: () => void): void {
    if (this.abandoned) return;
    if (this.lives) tell();
    else this.machine.world.schedule.after(20, () => this.conclude(tell));
  }
}

function resultOf(killed: boolean, failed: boolean): BatchResult {
  if (killed) return { kind: "killed", reason: "it took too long" };
  return failed ? { kind: "failed", reasons: ["refused"] } : { kind: "done" };
}
