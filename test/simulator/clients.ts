import type { Flow } from "../../src/core/diversion.ts";
import type { Machine } from "./machine.ts";
import { Random } from "./random.ts";
import type { World } from "./world.ts";

interface Connection {
  readonly at: Machine;
  /** When the client closes it. */
  readonly until: number;
}

const tick = 100;
const opensEachTick = 2;

/**
 * Clients that open TCP connections all the time, short and long ones, and send on each of them. A frame
 * goes where the neighbours' entry points, from there where that kernel's rules say, and has to arrive
 * at the machine on which its connection was opened: any other kernel resets it.
 */
export class Clients {
  /** Connections that a kernel reset because their frames arrived at the wrong machine. */
  readonly broken: string[] = [];
  /** Opened, and where: the share of each machine can be counted. */
  readonly opened = new Map<string, number>();
  private readonly world: World;
  private readonly connections = new Map<number, Connection>();
  /** Of their own, so that they change nothing that happens without them. */
  private readonly random: Random;
  private next = 1;

  constructor(world: World, seed: number) {
    this.world = world;
    this.random = new Random(seed);
    this.run();
  }

  countAt(machine: Machine): number {
    return [...this.connections.values()].filter(({ at }) => at === machine).length;
  }

  flowsAt(machine: Machine): readonly Flow[] {
    return [...this.connections].flatMap(([id, { at }]) => (at === machine ? [flowOf(id)] : []));
  }

  /** The kernel tells the clients of these that it is over. */
  end(those: (id: number, at: Machine) => boolean): void {
    for (const [id, { at }] of this.connections) if (those(id, at)) this.connections.delete(id);
  }

  private run(): void {
    this.world.schedule.after(tick, () => {
      for (let count = 0; count < opensEachTick; count += 1) this.open();
      for (const [id, connection] of this.connections) this.send(id, connection);
      this.run();
    });
  }

  private open(): void {
    const { random, world } = this;
    const id = this.next;
    this.next += 1;
    const at = this.arrive(id, true);
    if (at === undefined || at.web === "down") return;
    const lasting = random.chance(0.1) ? 6000 : 300;
    this.connections.set(id, { at, until: world.schedule.now + random.between(0, lasting) });
    this.opened.set(at.name, (this.opened.get(at.name) ?? 0) + 1);
  }

  private send(id: number, { at, until }: Connection): void {
    const arrived = this.arrive(id, false);
    if (arrived !== undefined && arrived !== at) {
      this.connections.delete(id);
      const { now } = this.world.schedule;
      this.broken.push(`${now.toFixed(0)} ms: ${id} of ${at.name} arrived at ${arrived.name}`);
    } else if (this.world.schedule.now >= until) this.connections.delete(id);
  }

  /** The machine whose kernel takes the frame for its own; undefined where it is lost. */
  private arrive(id: number, syn: boolean): Machine | undefined {
    const first = this.world.machines.find((machine) => this.world.clientsReach(machine));
    if (first === undefined) return undefined;
    if (!first.kernel.passesOn(id, syn)) return first.kernel.hasAddress ? first : undefined;
    const other = this.world.other(first);
    const lives = other.kernel.powered && !other.kernel.paused && other.kernel.hasAddress;
    return lives && this.world.passes(first, 0, "frames") ? other : undefined;
  }
}

/** A number as a flow, and back. */
const flowOf = (id: number): Flow => ({
  address: "192.0.2.10",
  port: 80,
  client: `198.51.${(id >> 16) & 255}.7`,
  clientPort: id & 0xffff,
});

export const idOf = ({ client, clientPort }: Flow): number =>
  (Number(client.split(".")[2]) << 16) | clientPort;
