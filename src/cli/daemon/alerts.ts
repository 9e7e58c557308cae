import { foreignClaim, freshPeer, serviceHealth, speaks } from "../../core/judge.ts";
import type { Policy } from "../../core/policy.ts";
import type { State } from "../../core/state.ts";
import { after, type Instant, times } from "../../core/time.ts";

/**
 * What an administrator should look at, as sentences; derived, so that what mends disappears by
 * itself.
 */
export function alertsOf(state: State, now: Instant, policy: Policy): readonly string[] {
  return [
    ...peerAlerts(state, now, policy),
    ...machineAlerts(state, now, policy),
    ...orderAlerts(state),
  ];
}

function peerAlerts(state: State, now: Instant, policy: Policy): readonly string[] {
  const { peer: name, node } = policy;
  const peer = freshPeer(state, now, policy);
  if (peer === undefined) return [silence(state, now, policy)];
  const { beat } = peer;
  const alerts: string[] = [];
  const silent = policy.paths.flatMap((_, path) => {
    const at = peer.paths[path];
    return at === undefined || now >= after(at, times(policy.deadTime, 3)) ? [path + 1] : [];
  });
  if (silent.length > 0) alerts.push(`${name} is not heard on path ${silent.join(" and ")}`);
  if (peer.hearsUs === undefined || now >= after(peer.hearsUs, times(policy.deadTime, 3)))
    alerts.push(`${name} does not hear ${node}`);
  if (beat.configuration !== policy.configuration)
    alerts.push(`${name} runs with a different configuration`);
  if (beat.interval !== policy.interval || beat.deadTime !== policy.deadTime)
    alerts.push(`${name} beats every ${beat.interval} ms and waits for ${beat.deadTime} ms`);
  if (beat.first === policy.first) alerts.push(`the nodes stand in another order on ${name}`);
  if (beat.node !== name) alerts.push(`the peer calls itself ${beat.node}, not ${name}`);
  if (!beat.able && !speaks(beat)) alerts.push(`${name} could not take the address now`);
  return alerts;
}

function silence({ peer }: State, now: Instant, { peer: name, lease }: Policy): string {
  const announced = peer.kind === "heard" && peer.beat.restarting && now < after(peer.at, lease);
  return announced ? `the agent of ${name} is being restarted` : `${name} is not heard on any path`;
}

function machineAlerts(state: State, now: Instant, policy: Policy): readonly string[] {
  const alerts: string[] = [];
  const { self, witness, role } = state;
  if (self.carrier === "none") alerts.push("the service interface has no carrier");
  if (serviceHealth(state, now) === "failed") alerts.push("nothing listens at the service port");
  if (policy.witness && witness.broken)
    alerts.push("no witness was seen, so it is no evidence: check the gateway, or name another");
  const foreign = foreignClaim(state, now);
  if (foreign !== undefined)
    alerts.push(`${foreign} answers for the address and is not of the pair`);
  if (role.kind === "inquire" && role.waiting !== "")
    alerts.push(`the address cannot be taken yet: ${role.waiting}`);
  return alerts;
}

function orderAlerts(state: State): readonly string[] {
  const alerts: string[] = [];
  if (state.orders.freeze.on)
    alerts.push("the pair is frozen: nothing changes by itself until thaw");
  if (state.orders.released) alerts.push("this machine was released: it takes nothing until thaw");
  return alerts;
}
