import { Agent } from "../../agent/agent.ts";
import type { Forgotten } from "../../agent/policy-in-force.ts";
import type { Steward } from "../../agent/ports.ts";
import type { Event } from "../../core/event.ts";
import type { Policy } from "../../core/policy.ts";
import type { Start } from "../../core/state.ts";
import { earliest, type Instant, type Millis } from "../../core/time.ts";
import { AlarmClock, now } from "../../linux/alarm-clock.ts";
import { LinuxHost } from "../../linux/host.ts";
import type { LinuxHostOptions } from "../../linux/host-options.ts";
import { UdpTransport, type UdpTransportOptions } from "../../linux/udp.ts";
import type { KeyRing } from "../../protocol/keys.ts";
import type { KeysInForce } from "./key-reloads.ts";

export interface HeartOptions {
  readonly policy: Policy;
  readonly start: Start;
  readonly protocol: {
    readonly pair: Uint8Array;
    readonly ring: KeyRing;
    readonly session: string;
  };
  readonly network: Omit<UdpTransportOptions, "onDatagram">;
  readonly host: Omit<LinuxHostOptions, "report" | "now" | "afterSockets">;
  readonly steward: Steward;
  readonly onTurn: () => void;
  /** When the next turn is wanted at the latest, whatever the agent waits for. */
  readonly nextTurn: () => Instant;
  readonly onLate: (late: Millis, slept: Millis) => void;
}

/**
 * The loop around the agent: datagrams, the kernel's reports and the one alarm go in, and after each
 * the alarm is set anew. Nothing here is awaited.
 */
export class Heart {
  readonly agent: Agent;
  readonly host: LinuxHost;
  readonly transport: UdpTransport;
  readonly #clock: AlarmClock;
  readonly #onTurn: () => void;
  readonly #nextTurn: () => Instant;
  #stopped = false;

  constructor(options: HeartOptions) {
    this.#onTurn = options.onTurn;
    this.#nextTurn = options.nextTurn;
    this.transport = new UdpTransport({
      ...options.network,
      onDatagram: (path, bytes) => {
        this.agent.handleDatagram(path, bytes, now());
        this.#turned();
      },
    });
    this.#clock = new AlarmClock({
      onAlarm: () => {
        // Awake anyway: a stranger is heard within one interval.
        this.host.read();
        this.agent.handleAlarm(now());
        this.#turned();
      },
      received: () => this.transport.received,
      read: () => this.host.read(),
      onLate: options.onLate,
    });
    this.host = new LinuxHost({
      ...options.host,
      report: (event) => this.#hear(event),
      now,
      afterSockets: (act) => this.#clock.afterSockets(act),
    });
    const { policy, start, protocol, steward } = options;
    this.agent = new Agent({
      policy,
      start,
      protocol,
      steward,
      transport: this.transport,
      host: this.host,
      random: Math.random,
    });
  }

  /** `adopted`: what the last agent held and this one goes on holding. */
  start(adopted: Event | undefined): void {
    this.transport.start();
    // At once, also in a loop that is late: the host's first report would have what is adopted removed.
    if (adopted !== undefined) this.#hear(adopted);
    this.host.start();
    this.#turned();
  }

  /**
   * What came by another way than the sockets. A loop that is late has not read what the other machine and
   * the witness said meanwhile, and would take them for silent.
   */
  tell(event: Event): void {
    this.#clock.afterSockets(() => this.#hear(event));
  }

  keys(): KeysInForce {
    const { accepted, peer } = this.agent.keys(now());
    return { accepted, signed: peer?.signed };
  }

  /** From the next datagram on; a ring with which the peer would not be heard is not taken. */
  useKeys(ring: KeyRing): "used" | "deaf" {
    return this.agent.useKeys(ring, now());
  }

  usePolicy(policy: Policy, forgotten: readonly Forgotten[]): void {
    this.agent.usePolicy(policy, forgotten, now());
    this.#turned();
  }

  /** Leaves the kernel as it is. */
  stop(): void {
    this.#stopped = true;
    this.#clock.stop();
    this.host.stop();
    this.transport.stop();
  }

  #hear(event: Event): void {
    if (this.#stopped) return;
    this.agent.handle(event, now());
    this.#turned();
  }

  #turned(): void {
    if (this.#stopped) return;
    this.#onTurn();
    this.#clock.set(earliest(this.agent.pollAlarm(), this.#nextTurn()));
  }
}

/** For the log. */
export const lateness = (late: number, slept: number): string =>
  `The loop was late by ${Math.round(late)} ms${slept > 0 ? `, ${Math.round(slept)} ms of them asleep` : ""}`;
