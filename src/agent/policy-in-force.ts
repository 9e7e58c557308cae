import type { Policy } from "../core/policy.ts";
import { initialState, type Start, type State } from "../core/state.ts";
import { type Instant, type Millis, millis } from "../core/time.ts";

interface Change {
  readonly from: Policy;
  readonly to: Policy;
  readonly since: Instant;
}

/**
 * What an agent decides by, and how one policy follows another while it runs. Two things take their time,
 * and until they are done the more patient of the two policies decides:
 *
 * - The peer beats as often as it hears that we want. It has to hear of a shorter interval before silence
 *   is judged by it.
 * - The kernel has the old lease until it is renewed, and a short lease would take a long one's last
 *   renewal for one that failed.
 */
export class PolicyInForce {
  private current: Policy;
  private change: Change | undefined;

  constructor(policy: Policy) {
    this.current = policy;
  }

  get decidesBy(): Policy {
    return this.current;
  }

  /** What the peer is told, and beaten for. */
  get promises(): Policy {
    return this.change?.to ?? this.current;
  }

  /** What the kernel shall have: the longer of two, until it is renewed as often as the shorter one needs. */
  get lease(): Millis {
    const { lease } = this.promises;
    return this.current.lease === lease ? lease : longer(this.current.lease, lease);
  }

  /** To be followed by `follow`, at once and after every turn. */
  replaceBy(policy: Policy, now: Instant): void {
    this.change = { from: this.current, to: policy, since: now };
  }

  /** Goes on as far as the state allows; answers whether anything else is decided by from now on. */
  follow(state: State): boolean {
    if (this.change === undefined) return false;
    const before = this.current;
    this.current = between(this.change, state);
    if (sameTimes(this.current, this.change.to)) this.change = undefined;
    return !sameTimes(this.current, before);
  }
}

function between({ from, to, since }: Change, { peer, role }: State): Policy {
  const told = peer.kind === "unheard" || (peer.hearsUs !== undefined && peer.hearsUs > since);
  const renewed = role.kind !== "hold" || role.renewedAt > since;
  return {
    ...to,
    interval: told ? to.interval : longer(from.interval, to.interval),
    deadTime: told ? to.deadTime : longer(from.deadTime, to.deadTime),
    lease: renewed ? to.lease : from.lease,
  };
}

const sameTimes = (one: Policy, other: Policy): boolean =>
  one.interval === other.interval && one.deadTime === other.deadTime && one.lease === other.lease;

const longer = (one: Millis, other: Millis): Millis => millis(Math.max(one, other));

/** Facts that were learnt by asking something else than is asked from now on. */
export type Forgotten = "witness" | "service";

/** The state with these facts as at a start, when a witness that was never seen is no evidence. */
export function forget(
  state: State,
  forgotten: readonly Forgotten[],
  start: Start,
  policy: Policy,
): State {
  const { witness, self } = initialState(start, policy);
  return {
    ...state,
    witness: forgotten.includes("witness") ? witness : state.witness,
    self: forgotten.includes("service") ? { ...state.self, service: self.service } : state.self,
  };
}
