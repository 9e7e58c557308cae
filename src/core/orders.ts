import type { Event, Order } from "./event.ts";
import type { Policy } from "./policy.ts";
import type { Hold, Orders, State } from "./state.ts";
import { before, type Instant, never, times } from "./time.ts";

/** What an operator said lasts until an operator says otherwise. A swap is taken note of by its phases. */
export function obey(orders: Orders, order: Order, policy: Policy): Orders {
  const stamp = orders.freeze.stamp + 1;
  switch (order.kind) {
    case "release":
      return { ...orders, released: true };
    case "freeze":
      return { ...orders, freeze: { on: true, stamp } };
    case "thaw":
      return { ...orders, released: false, freeze: { on: false, stamp } };
    case "leave":
      return { ...orders, leaving: true };
    case "step-aside":
      return { ...orders, restarting: true };
    case "promote":
      return order.node === policy.node ? { ...orders, released: false } : orders;
    case "preview":
    case "recall":
      return orders;
  }
}

/**
 * A crash of the agent alone costs users nothing: the lease is still ours, and is renewed at once. The
 * address was seen when the agent started: one that was stopped since then has to let go.
 */
export function adopt(
  state: State,
  event: Extract<Event, { kind: "adopted" }>,
  now: Instant,
  policy: Policy,
): State {
  const role: Hold = {
    kind: "hold",
    since: now,
    epoch: event.epoch,
    blind: event.blind,
    // So long ago that a renewal is due at once: agents that crash again and again would renew nothing.
    renewedAt: before(state.self.presenceAt, times(policy.lease, 0.125)),
    renewalAskedAt: before(now, policy.lease),
    announcingSince: now,
    announced: 0,
    announcedAt: undefined,
  };
  return {
    ...state,
    role,
    epoch: Math.max(state.epoch, event.epoch),
    self: { ...state.self, presence: "all" },
    alarm: never,
  };
}
