import type { SwapPolicy } from "./policy.ts";
import type { Counts, Receiving } from "./swap.ts";
import { after, type Instant } from "./time.ts";

export type Proof =
  | { readonly kind: "open" }
  /** `provisional`: on a site too quiet for a proof before the address moves. */
  | { readonly kind: "proved"; readonly why: string; readonly provisional: boolean }
  | { readonly kind: "failed"; readonly why: string };

/** With three times `minRequests` and still too many errors, users have suffered enough to know. */
const hopeless = 3;

/**
 * Whether the target's access_log proves that it serves: `minRequests` requests, with an error rate at
 * most `maxErrorRate` above the baseline. On a site too quiet for that within `verifyTime`, judged by
 * the holder's baseline, one tagged request from the first holder over the network stands in; and before
 * the address moves, where no such request can arrive, the one that the target asked of itself. A share
 * of new connections that brings less than that has to be without errors, for as long.
 */
export function prove(receiving: Receiving, now: Instant, swap: SwapPolicy): Proof {
  const { counted, baseline, tagged } = receiving;
  const allowed = rate(baseline) + swap.maxErrorRate;
  const tooMany = rate(counted) > allowed;
  const enough = counted.requests >= swap.minRequests;
  if (enough && !tooMany)
    return proved(`${counted.requests} requests served, ${counted.errors} with errors`);
  if (tooMany && counted.requests >= hopeless * swap.minRequests)
    return failed(errorsFound(counted, allowed));
  const silently = receiving.phase === "serving";
  if (quiet(baseline, swap) && counted.errors === 0) {
    if (tagged) return proved("the site is quiet; our own request over the network was served");
    if (silently) return provisionally("the site is quiet; the page that we asked for was served");
  }
  if (now < after(receiving.since, swap.verifyTime)) return { kind: "open" };
  if (silently && receiving.share < 1 && !tooMany)
    return proved(`${counted.requests} requests served, all that the share brought`);
  return failed(
    enough
      ? errorsFound(counted, allowed)
      : `only ${counted.requests} of ${swap.minRequests} requests appeared in the access_log in time`,
  );
}

const rate = (counts: Counts): number =>
  counts.requests === 0 ? 0 : counts.errors / counts.requests;

const quiet = (baseline: Counts, swap: SwapPolicy): boolean =>
  baseline.span === 0 || (baseline.requests / baseline.span) * swap.verifyTime < swap.minRequests;

const errorsFound = (counted: Counts, allowed: number): string =>
  `${counted.errors} of ${counted.requests} requests ended in server errors, ${percent(allowed)} are allowed`;

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

const proved = (why: string): Proof => ({ kind: "proved", why, provisional: false });
const provisionally = (why: string): Proof => ({ kind: "proved", why, provisional: true });
const failed = (why: string): Proof => ({ kind: "failed", why });
