import type { Order } from "../../core/event.ts";
import type { State } from "../../core/state.ts";
import { type Handover, isHeld, isOver } from "../../core/swap.ts";
import type { Configuration } from "../configuration/configuration.ts";

/** Why an order is not even given to the core, as a sentence for whoever typed it. */
export function refusalOf(
  order: Order,
  { handover, role }: State,
  configuration: Configuration,
  node: string,
): string | undefined {
  switch (order.kind) {
    case "promote":
      return (
        unknownNode(order.node, configuration) ??
        (isOver(handover) || isHeld(handover)
          ? undefined
          : `Cannot promote ${order.node}: ${underWay(handover)}`)
      );
    case "preview":
      if (!isOver(handover)) return `Cannot begin a preview: ${underWay(handover)}`;
      return role.kind === "hold"
        ? undefined
        : `Cannot begin a preview: ${node} does not hold the address; type it on the machine that does`;
    case "recall":
      return isHeld(handover)
        ? undefined
        : "Cannot call anything back: neither a share nor a preview is held here";
    default:
      return undefined;
  }
}

export function unknownNode(node: string, { nodes }: Configuration): string | undefined {
  const names = nodes.map(({ name }) => name);
  return names.includes(node)
    ? undefined
    : `Cannot promote ${node}: the nodes are ${names.join(" and ")}`;
}

const underWay = (handover: Handover): string =>
  `swap ${"id" in handover ? handover.id : ""} is under way`;
