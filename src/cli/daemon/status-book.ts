import type { Agent } from "../../agent/agent.ts";
import { freshPeer, serviceHealth, speaks, witnessSeen } from "../../core/judge.ts";
import type { Policy } from "../../core/policy.ts";
import { publicRole } from "../../core/publish.ts";
import type { State } from "../../core/state.ts";
import { elapsed, type Instant, millis } from "../../core/time.ts";
import type { Configuration } from "../configuration/configuration.ts";
import { sidesOf } from "../configuration/node-here.ts";
import {
  type Age,
  type AgedKey,
  agedKeys,
  type KeyStatus,
  type PathStatus,
  type PeerStatus,
  type RecentTraffic,
  type Status,
  type WaitingStatus,
} from "../status.ts";
import { version } from "../version.ts";
import { alertsOf } from "./alerts.ts";
import { HandoverBook } from "./handover-book.ts";
import type { Since } from "./trouble-book.ts";

export interface StatusBookOptions {
  readonly inForce: {
    readonly configuration: Configuration;
    recent(): RecentTraffic | null;
  };
  readonly startedAt: Instant;
  readonly witnesses: () => readonly string[];
  /** Troubles of the floors below: paths, disk, tools. */
  readonly troubles: () => readonly Since[];
  readonly waiting: () => readonly WaitingStatus[];
}

/** Keeps what the state itself does not: since when each shown value has been what it is. */
export class StatusBook {
  readonly #options: StatusBookOptions;
  readonly #since = new Map<AgedKey, { readonly value: unknown; readonly at: Instant }>();
  #alerts: readonly Since[] = [];
  #alertsAt: Instant | undefined;
  readonly #handovers = new HandoverBook();
  #addressAt: Instant | undefined;
  #presence = "";
  #why = "The agent has started";

  constructor(options: StatusBookOptions) {
    this.#options = options;
  }

  /** The last sentence that the core told. */
  tell(sentence: string): void {
    this.#why = sentence;
  }

  /** For `systemctl status`: what this machine is, in one line. */
  line({ state, policy }: Agent, now: Instant): string {
    const { pair, node, role, epoch, why } = this.#values(state, now, policy);
    return `${pair} on ${node}: ${role}, epoch ${epoch}. ${why}`;
  }

  /** To be called after every turn; answers whether anything worth showing changed. */
  note(agent: Agent, now: Instant): boolean {
    const { state, policy } = agent;
    const values = this.#values(state, now, policy);
    let changed = this.#handovers.note(state, now, policy);
    for (const key of agedKeys) {
      if (this.#since.get(key)?.value === values[key]) continue;
      this.#since.set(key, { value: values[key], at: now });
      changed = true;
    }
    if (this.#presence !== state.self.presence) {
      this.#presence = state.self.presence;
      this.#addressAt = now;
      changed = true;
    }
    // While it asks, an agent has several hundred turns a second.
    const due = this.#alertsAt === undefined || elapsed(this.#alertsAt, now) >= alertsEvery;
    return (due && this.#noteAlerts(agent, now)) || changed;
  }

  status(agent: Agent, now: Instant): Status {
    const { startedAt, witnesses, waiting, inForce } = this.#options;
    const { configuration } = inForce;
    const { state, policy } = agent;
    const { here } = sidesOf(configuration, policy.node);
    const peer = freshPeer(state, now, policy);
    const handover = this.#handovers.current(state, now);
    this.#noteAlerts(agent, now);
    const [first, second] = configuration.nodes;
    return {
      ...this.#values(state, now, policy),
      nodes: [first.name, second.name],
      ages: this.#ages(now),
      addresses: configuration.addresses.map(({ address, interface: device }) => ({
        address,
        interface: device ?? here.interface,
        present: state.self.presence === "all",
        age: ageOf(this.#addressAt, now),
      })),
      service: {
        health: serviceHealth(state, now),
        port: configuration.canary.port,
        age: ageOf(state.self.service.listenedAt, now),
      },
      network: {
        carrier: state.self.carrier === "unknown" ? null : state.self.carrier === "up",
        peer: peer !== undefined,
        witness: witnessSeen(state, now),
        age: ageOf(state.self.networkHeardAt, now),
      },
      witness: {
        addresses: witnesses(),
        seenAge: ageOf(state.witness.seenAt, now),
        broken: state.witness.broken,
      },
      peer: peerStatus(state, now, policy),
      keys: keyStatus(agent, now),
      paths: here.paths.map((_, path) => this.#path(agent, path, now)),
      handover,
      traffic: handover === null ? null : inForce.recent(),
      lastHandover: this.#handovers.last(state, now, policy),
      waiting: waiting(),
      alerts: this.#alerts.map(({ sentence, at }) => ({ sentence, age: elapsed(at, now) })),
      swap: {
        minRequests: policy.swap.minRequests,
        maxErrorRate: policy.swap.maxErrorRate,
        verifyTime: policy.swap.verifyTime,
        steps: policy.swap.steps.length,
        drainTime: policy.swap.drainTime,
      },
      agent: {
        version: version(),
        pid: process.pid,
        configuration: policy.configuration,
        diverts: state.self.diverts,
        age: elapsed(startedAt, now),
      },
    };
  }

  #values(state: State, now: Instant, policy: Policy): Pick<Status, AgedKey> {
    return {
      pair: this.#options.inForce.configuration.pair,
      node: policy.node,
      role: publicRole(state),
      epoch: "epoch" in state.role ? state.role.epoch : state.epoch,
      blind: "blind" in state.role && state.role.blind,
      holder: holderOf(state, now, policy),
      released: state.orders.released,
      frozen: state.orders.freeze.on,
      why: this.#why,
    };
  }

  #ages(now: Instant): Status["ages"] {
    const ages = agedKeys.map((key) => [key, ageOf(this.#since.get(key)?.at, now)] as const);
    return Object.fromEntries(ages) as Record<AgedKey, Age>;
  }

  #path(agent: Agent, path: number, now: Instant): PathStatus {
    const { here, peer } = sidesOf(this.#options.inForce.configuration, agent.policy.node);
    const record = agent.paths[path];
    const gaps = agent.gaps.byPath[path];
    return {
      name: `${here.paths[path]} → ${peer.paths[path]}`,
      service: agent.policy.paths[path]?.service ?? false,
      heardAge: ageOf(record?.heardAt, now),
      hearsUsAge: ageOf(agent.heardOfUsOn(path), now),
      received: record?.received ?? 0,
      sent: record?.sent ?? 0,
      dropped: Object.fromEntries(record?.drops ?? []),
      longestGap: gaps?.longest ?? null,
      deadTimeForGap: gaps?.deadTimeAllowed ?? null,
    };
  }

  /** Whether they are others than before. */
  #noteAlerts({ state, policy, peerVersion }: Agent, now: Instant): boolean {
    const before = new Map(this.#alerts.map(({ sentence, at }) => [sentence, at]));
    const newer =
      peerVersion === undefined
        ? []
        : [`${policy.peer} speaks version ${peerVersion} of the protocol, and more than this one`];
    const derived = [...alertsOf(state, now, policy), ...newer].map((sentence) => ({
      sentence,
      at: before.get(sentence) ?? now,
    }));
    this.#alerts = [...derived, ...this.#options.troubles()];
    this.#alertsAt = now;
    return (
      this.#alerts.length !== before.size ||
      this.#alerts.some(({ sentence }) => !before.has(sentence))
    );
  }
}

/** An age is no better than this, and nobody can tell. */
const alertsEvery = millis(500);

function holderOf(state: State, now: Instant, policy: Policy): string | null {
  if (state.role.kind === "hold") return policy.node;
  const peer = freshPeer(state, now, policy);
  return peer !== undefined && speaks(peer.beat) ? policy.peer : null;
}

function peerStatus(state: State, now: Instant, policy: Policy): PeerStatus {
  const { peer } = state;
  const heard = peer.kind === "heard" ? peer : undefined;
  return {
    node: policy.peer,
    heard: freshPeer(state, now, policy) !== undefined,
    heardAge: ageOf(heard?.at, now),
    hearsUsAge: ageOf(heard?.hearsUs, now),
    role: heard?.beat.role ?? null,
    epoch: heard?.beat.epoch ?? null,
    able: heard?.beat.able ?? null,
    released: heard?.beat.released ?? null,
    diverts: heard?.beat.diverts ?? null,
    service: heard?.beat.service ?? null,
    network: heard?.beat.network ?? null,
    mac: heard?.beat.mac ?? null,
    configuration: heard?.beat.configuration ?? null,
  };
}

function keyStatus(agent: Agent, now: Instant): KeyStatus {
  const { accepted, peer } = agent.keys(now);
  const word = peer && { signed: peer.signed, newest: peer.newest };
  return { accepted: [...accepted].reverse(), peer: word ?? null };
}

const ageOf = (at: Instant | undefined, now: Instant): Age =>
  at === undefined ? null : elapsed(at, now);
