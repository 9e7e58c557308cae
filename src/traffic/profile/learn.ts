import { isAnswered, type LogLine } from "../parse/line.ts";
import { lineReader } from "../parse/log-format.ts";
import { type LineTime, readTime } from "../parse/time.ts";
import { type LogFile, logFamily } from "./log-family.ts";
import { readLog } from "./read-log.ts";
import { localZone } from "./wall-clock.ts";
import { WeekProfile } from "./week.ts";

export interface LearntFile {
  readonly path: string;
  readonly lines: number;
  /** Lines that do not fit the format or have no time that can be read. */
  readonly unreadable: number;
  /** What kept it from being read, whole or at all, as a sentence. */
  readonly problem: string | undefined;
}

export interface Learnt {
  readonly profile: WeekProfile;
  readonly files: readonly LearntFile[];
  /** Files that were left alone because nothing was written to them for longer than `ageMax`. */
  readonly old: number;
}

/**
 * Ten weeks are enough to know a week by, and what people did a year ago says little about tonight. A log
 * that nobody rotates has that in its first lines.
 */
const ageMax = 70 * 86_400_000;

/**
 * Learns the week from access_logs and all that rotation left of them. Requests of our own and lines
 * without an answer do not count. It reads chunk by chunk and yields between them, so that whoever
 * waits can be interrupted, and holds nothing but counts. It is much work all the same: never to be
 * done in an agent.
 */
export async function learnWeek(options: {
  readonly paths: readonly string[];
  /** One that compileFormat takes. */
  readonly format: string;
  /** In milliseconds since 1970. */
  readonly now: number;
  readonly signal: AbortSignal;
}): Promise<Learnt> {
  const { format, now, signal } = options;
  const profile = new WeekProfile((now - ageMax) / 60_000);
  const read = lineReader(format);
  const files: LearntFile[] = [];
  let old = 0;
  for (const path of new Set(options.paths)) {
    const family = await logFamily(path).catch((error: NodeJS.ErrnoException) => {
      files.push({
        path,
        lines: 0,
        unreadable: 0,
        problem: `Cannot read ${path}: ${error.message}`,
      });
      return [];
    });
    const fresh = family.filter(({ writtenAt }) => writtenAt >= now - ageMax);
    old += family.length - fresh.length;
    for (const file of fresh) files.push(await learnFile(file, { profile, read, signal }));
    if (family.length === 0 && files.at(-1)?.path !== path) {
      const problem = `Cannot read ${path}: there is no such file`;
      files.push({ path, lines: 0, unreadable: 0, problem });
    }
  }
  return { profile, files, old };
}

async function learnFile(
  file: LogFile,
  into: {
    readonly profile: WeekProfile;
    readonly read: (line: string) => LogLine | undefined;
    readonly signal: AbortSignal;
  },
): Promise<LearntFile> {
  const { profile, read, signal } = into;
  let [lines, unreadable] = [0, 0];
  // Lines of one second stand together, and a second is read once.
  let [lastText, lastTime]: [string, LineTime | undefined] = ["", undefined];
  const take = (text: string): boolean => {
    const line = read(text);
    if (line === undefined || line.time === undefined) return false;
    if (line.time !== lastText) [lastText, lastTime] = [line.time, readTime(line.time)];
    if (lastTime === undefined) return false;
    const counts = isAnswered(line.status) && line.canary === undefined;
    return !counts || profile.add(lastTime, localZone);
  };
  const sink = {
    line: (text: string) => {
      lines += 1;
      if (!take(text)) unreadable += 1;
    },
    overlong: () => {
      lines += 1;
      unreadable += 1;
    },
  };
  const problem = await readLog(file, sink, signal);
  return { path: file.path, lines, unreadable, problem };
}
