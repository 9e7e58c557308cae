import type { TellLevel } from "../../core/effect.ts";
import { now } from "../../linux/alarm-clock.ts";
import type { KeyRing } from "../../protocol/keys.ts";
import type { Heart } from "./heart.ts";

/**
 * From the next datagram on; a ring with which the peer would not be heard is not taken. Answers what to
 * say of it: nothing where the keys are those that are in use.
 */
export function acceptKeys(
  heart: Heart,
  ring: KeyRing,
): { readonly level: TellLevel; readonly sentence: string } | undefined {
  const { accepted, peer } = heart.agent.keys(now());
  const ids = ring.map(({ id }) => id);
  const words = `${ids.length === 1 ? "key" : "keys"} ${[...ids].reverse().join(", ")}`;
  if (heart.useKeys(ring) === "used") {
    if (ids.join() === accepted.join()) return undefined;
    return { level: "info", sentence: `Accepting ${words}` };
  }
  const sentence = `Cannot accept ${words} alone: the peer signs with key ${peer?.signed}; the keys in use stay`;
  return { level: "error", sentence };
}
