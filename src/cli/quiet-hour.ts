import { localAddresses } from "../linux/network-facts.ts";
import { type Learnt, learnWeek } from "../traffic/profile/learn.ts";
import { quietestWindow, type Window } from "../traffic/profile/quiet.ts";
import { instantsOf, localZone, nextAt, wallMinute } from "../traffic/profile/wall-clock.ts";
import {
  minuteOfWeek,
  quarterMinutes,
  type Week,
  weekMinutes,
  type Zone,
} from "../traffic/profile/week.ts";
import type { Configuration } from "./configuration/configuration.ts";
import { nodeHere, sidesOf } from "./configuration/node-here.ts";

/** The week as the access_logs of a node tell it, on this machine. */
export interface LoggedWeek {
  readonly node: string;
  readonly learnt: Learnt;
  readonly week: Week;
  /** The clock on the wall of the logs. */
  readonly zone: Zone;
}

export interface QuietHour extends Window {
  /** When it begins next, in milliseconds since 1970. */
  readonly at: number;
}

/** Reads the logs of `node`, by default this machine's. Much work: for a command, not an agent. */
export async function readWeek(
  configuration: Configuration,
  given: string | undefined,
  now: number,
): Promise<LoggedWeek> {
  const node = given ?? (await thisNode(configuration));
  const { here } = sidesOf(configuration, node);
  const learnt = await learnWeek({
    paths: here.accessLogs,
    format: configuration.logFormat,
    now,
    // The command runs until its end or until somebody interrupts the whole process.
    signal: new AbortController().signal,
  });
  return { node, learnt, week: learnt.profile.week(), zone: zoneOf(learnt) };
}

/**
 * The next window of `length` minutes with the fewest requests that begins within `within` minutes;
 * undefined where the logs know none.
 */
export function quietHour(
  { week: average, zone }: LoggedWeek,
  {
    length,
    within,
    now,
  }: { readonly length: number; readonly within: number; readonly now: number },
): QuietHour | undefined {
  const wall = wallMinute(now, zone) + 1;
  const from = minuteOfWeek(wall);
  // A quarter that the wall skips this time is not to be had before the week after.
  const isShown = (quarter: number): boolean => {
    const ahead = ((quarter + 1) * quarterMinutes - 1 - from + weekMinutes) % weekMinutes;
    return instantsOf(wall + ahead, zone).length > 0;
  };
  const week = average.map((requests, quarter) => (isShown(quarter) ? requests : undefined));
  const found = quietestWindow(week, { length, now: from, within });
  if (found === undefined) return undefined;
  const minute = wall + ((found.start - from + weekMinutes) % weekMinutes);
  return { ...found, at: nextAt({ minute, period: weekMinutes }, now, zone) };
}

async function thisNode(configuration: Configuration): Promise<string> {
  const local = await localAddresses();
  return nodeHere(
    configuration,
    local.map(({ address }) => address),
  );
}

/**
 * Logs that are written with this machine's clock follow it through daylight saving time; logs with
 * another offset, such as UTC in a container, keep the offset of their newest line.
 */
function zoneOf({ profile: { span, offset } }: Learnt): Zone {
  if (span === undefined || offset === undefined) return localZone;
  const ours = instantsOf(span.to, localZone).some((instant) => localZone(instant) === offset);
  return ours ? localZone : () => offset;
}
