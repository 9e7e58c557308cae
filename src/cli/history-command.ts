import { stateDirectoryAt, type Whereabouts } from "./agent-access.ts";
import { exitCodes, Failure, reasonOf } from "./failure.ts";
import { type HistoryEntry, readHistory } from "./history.ts";
import { localTime, oneLine } from "./logging.ts";
import { type Paint, paintFor } from "./terminal.ts";

export interface HistoryOptions extends Whereabouts {
  readonly count: number;
  readonly json: boolean;
}

/** `failover history [-n N] [--json]`. */
export async function runHistory(options: HistoryOptions): Promise<number> {
  const directory = await stateDirectoryAt(options);
  const entries = await entriesIn(directory, options.count);
  const paint = paintFor(process.stdout);
  for (const entry of entries) {
    process.stdout.write(`${options.json ? JSON.stringify(entry) : entryLine(entry, paint)}\n`);
  }
  if (entries.length === 0 && !options.json) process.stdout.write(`Nothing in ${directory} yet\n`);
  return exitCodes.done;
}

/** `2026-11-21T14:03:07.250+01:00  epoch 7  warning  The peer cannot hear us`. */
export function entryLine({ at, level, sentence, epoch }: HistoryEntry, paint: Paint): string {
  const when = new Date(at);
  const time = Number.isNaN(when.getTime()) ? oneLine(at) : localTime(when);
  const style = { info: "dim", warning: "yellow", error: "red" } as const;
  const word = paint(style[level], level.padEnd(7));
  return `${time}  epoch ${String(epoch).padEnd(4)}  ${word}  ${oneLine(sentence)}`;
}

async function entriesIn(directory: string, count: number): Promise<HistoryEntry[]> {
  try {
    return await readHistory(directory, count);
  } catch (error) {
    throw new Failure(
      exitCodes.broken,
      `Cannot read the history in ${directory}: ${reasonOf(error)}`,
      {
        cause: error,
      },
    );
  }
}
