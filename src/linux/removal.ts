import { type Millis, millis } from "../core/time.ts";
import { entryOf, type Picture, type Scene } from "./picture.ts";

/** The kernel counts lifetimes in ticks of up to 10 ms, and we see their end a moment after it. */
const kernelTick = millis(20);

/**
 * Who took the addresses that are wished present, were there and are not any more: a sentence, or undefined
 * where none is missing.
 *
 * @param leaseAge since the lease was last renewed
 */
export const removalSentence = (
  { addresses, interface: device }: Scene,
  before: Picture | undefined,
  seen: Picture,
  { lease, leaseAge }: { readonly lease: Millis; readonly leaseAge: Millis },
): string | undefined => {
  if (seen.link === undefined) return undefined;
  const [first, ...others] = addresses
    .filter((address) => entryOf(address, before?.service ?? []) !== undefined)
    .filter((address) => entryOf(address, seen.service) === undefined)
    .map(({ text }) => text);
  if (first === undefined) return undefined;
  const what = others.length === 0 ? first : `${first} and ${others.length} more`;
  if (leaseAge >= lease - kernelTick) {
    const age = Math.round(leaseAge);
    return `The kernel let go of ${what}: the lease was last renewed ${age} ms ago`;
  }
  return seen.link.up
    ? `Another program removed ${what} from ${device} while it is held here`
    : `The kernel let go of ${what}: the interface ${device} is down`;
};
