import type { Order } from "../../core/event.ts";
import type { State } from "../../core/state.ts";
import { type Handover, isHeld, isOver } from "../../core/swap.ts";
import type { Configuration } from "../configuration/configuration.ts";
import { sidesOf } from "../configuration/node-here.ts";

/** What of the state an order is held against. */
export type OrderState = Pick<State, "handover" | "role">;

/** Why an order is not even given to the core, as a sentence for whoever typed it. */
export function refusalOf(
  order: Order,
  { handover, role }: OrderState,
  configuration: Configuration,
  node: string,
): string | undefined {
  switch (order.kind) {
    case "promote":
      return (
        unknownNode(order.node, configuration) ??
        (isOver(handover) || isHeld(handover)
          ? holdersMatter(order, role, configuration, node)
          : `Cannot promote ${order.node}: ${underWay(handover)}`)
      );
    case "preview":
      if (!isOver(handover)) return `Cannot begin a preview: ${underWay(handover)}`;
      return role.kind === "hold"
        ? undefined
        : `Cannot begin a preview: ${node} does not hold the address; ${elsewhere(configuration, node)}`;
    case "recall":
      return isHeld(handover)
        ? undefined
        : "Cannot call anything back: neither a share nor a preview is held here" +
            (role.kind === "hold" ? "" : `; ${elsewhere(configuration, node)}`);
    default:
      return undefined;
  }
}

/** Shares and what is left to end are the holder's: its kernel hands over. */
function holdersMatter(
  { node: target, hold, drainTime }: Extract<Order, { kind: "promote" }>,
  role: State["role"],
  configuration: Configuration,
  node: string,
): string | undefined {
  if (role.kind === "hold" || (hold === undefined && drainTime === undefined)) return undefined;
  const words = hold === undefined ? "--drain" : "--share";
  return `Cannot promote ${target} with ${words} here: ${node} does not hold the address; ${elsewhere(configuration, node)}`;
}

/** What to do where the other machine, if any, is to be asked. */
function elsewhere(configuration: Configuration, node: string): string {
  return `type the same command on ${sidesOf(configuration, node).peer.name}`;
}

export function unknownNode(node: string, { nodes }: Configuration): string | undefined {
  const names = nodes.map(({ name }) => name);
  return names.includes(node)
    ? undefined
    : `Cannot promote ${node}: the nodes are ${names.join(" and ")}`;
}

const underWay = (handover: Handover): string =>
  `swap ${"id" in handover ? handover.id : ""} is under way`;
