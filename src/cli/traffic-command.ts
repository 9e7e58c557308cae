import type { LearntFile } from "../traffic/profile/learn.ts";
import { weekMinutes } from "../traffic/profile/week.ts";
import { configurationAt, type Whereabouts } from "./agent-access.ts";
import { exitCodes } from "./failure.ts";
import { localTime } from "./logging.ts";
import { type LoggedWeek, quietHour, readWeek } from "./quiet-hour.ts";
import { paintFor } from "./terminal.ts";
import { trafficLines, weekdays } from "./traffic-text.ts";

export interface TrafficOptions extends Whereabouts {
  readonly node?: string;
  /** Milliseconds. */
  readonly window: number;
  readonly json: boolean;
}

/** What `failover traffic --json` says; times of the week are on the wall of the logs. */
export interface TrafficReport {
  readonly pair: string;
  readonly node: string;
  /** Minutes. */
  readonly window: number;
  readonly files: readonly LearntFile[];
  /** Files left out because nothing was written to them for long. */
  readonly old: number;
  readonly lines: number;
  readonly unreadable: number;
  /** The first and the last minute with a request, `2026-11-21 08:01`. */
  readonly from: string | null;
  readonly to: string | null;
  /** Of the newest line, in minutes east of UTC. */
  readonly offset: number | null;
  /** Requests in each quarter of an hour of an average week, from Monday 00:00; null: unknown. */
  readonly expected: readonly (number | null)[];
  readonly quietest: QuietWindow | null;
}

export interface QuietWindow {
  readonly weekday: string;
  /** Minutes of the week, from Monday 00:00. */
  readonly start: number;
  readonly requests: number;
  /** When it begins next, with this machine's offset. */
  readonly at: string;
}

/** `failover traffic [--window 10m] [--node NAME] [--json]`. */
export async function runTraffic(options: TrafficOptions): Promise<number> {
  const configuration = await configurationAt(options);
  const now = Date.now();
  const logged = await readWeek(configuration, options.node, now);
  const report = reportOf(configuration.pair, logged, { window: options.window, now });
  const text = options.json
    ? JSON.stringify(report, null, 2)
    : trafficLines(report, paintFor(process.stdout)).join("\n");
  process.stdout.write(`${text}\n`);
  return report.quietest === null ? exitCodes.refused : exitCodes.done;
}

function reportOf(
  pair: string,
  logged: LoggedWeek,
  { window, now }: { readonly window: number; readonly now: number },
): TrafficReport {
  const { node, week, learnt } = logged;
  const { profile, files, old } = learnt;
  const length = Math.ceil(window / 60_000);
  const quiet = quietHour(logged, { length, within: weekMinutes, now });
  const sum = (key: "lines" | "unreadable"): number =>
    files.reduce((total, file) => total + file[key], 0);
  return {
    pair,
    node,
    window: length,
    files,
    old,
    lines: sum("lines"),
    unreadable: sum("unreadable"),
    from: profile.span === undefined ? null : wallText(profile.span.from),
    to: profile.span === undefined ? null : wallText(profile.span.to),
    offset: profile.offset ?? null,
    expected: week.map((requests) => requests ?? null),
    quietest:
      quiet === undefined
        ? null
        : {
            weekday: weekdays[Math.floor(quiet.start / 1440)] ?? "",
            start: quiet.start,
            requests: quiet.requests,
            at: localTime(new Date(quiet.at)),
          },
  };
}

/** A minute on the wall since 1970; the calendar of UTC draws it as it stood there. */
function wallText(minute: number): string {
  return new Date(minute * 60_000).toISOString().slice(0, 16).replace("T", " ");
}
