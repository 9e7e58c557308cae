import { fstatSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

import type { LogConfiguration } from "./configuration/configuration.ts";
import { logLevels } from "./configuration/configuration.ts";
import { fileSink, type LogSink, standardErrorSink } from "./log-sink.ts";
import type { ReportTrouble } from "./patient-writer.ts";

/** The agent's log: one sentence a line. No method waits. */
export interface Log {
  readonly error: (sentence: string) => void;
  readonly warning: (sentence: string) => void;
  info(sentence: string): void;
  /**
   * The sentence is made only when the level lets it through: winston charges for a suppressed one.
   */
  debug(sentence: () => string): void;
  /** After logrotate, on SIGUSR2. A file that was moved away is noticed without it too. */
  reopen(): void;
  /** From the next sentence on; what was said before is written where it was to go. */
  use(configuration: LogConfiguration): void;
  /** Resolves when everything is written, and after a second at the latest. */
  settled(): Promise<void>;
}

/** syslog(3): the journal reads it from the head of a line, see sd-daemon(3). */
const priorities = { error: 3, warning: 4, info: 6, debug: 7 } as const;

/** The last lines are worth waiting for, but not for ever. */
const partingMillis = 1000;

/** `report`: what to do when a log file cannot be written; standard error is never in trouble. */
export async function createLog(
  configuration: LogConfiguration,
  report: ReportTrouble,
): Promise<Log> {
  const { createLogger, format, transports } = await import("winston");
  const journal = standardErrorIsJournal();
  const printed = format.printf(({ level: at, message }) =>
    journal && inForce.file === undefined
      ? `<${priorities[at as keyof typeof priorities]}>${oneLine(String(message))}`
      : `${localTime(new Date())} ${at.padEnd(7)} ${oneLine(String(message))}`,
  );
  const sinkOf = ({ file }: LogConfiguration): LogSink => {
    if (file === undefined) return standardErrorSink();
    // What becomes of the last lines in a file that was left is nobody's trouble any more.
    const reportOwn: ReportTrouble = (sentence) => {
      if (inForce.file === file) report(sentence);
    };
    return fileSink(file, reportOwn, written);
  };
  const transportTo = ({ stream }: LogSink) => new transports.Stream({ stream, eol: "\n" });
  /** Of the files that were written to before. */
  let written = Promise.resolve();
  let inForce = configuration;
  let sink = sinkOf(inForce);
  let transport = transportTo(sink);
  const logger = createLogger({
    levels: Object.fromEntries(logLevels.map((name, rank) => [name, rank])),
    level: inForce.level,
    format: printed,
    transports: [transport],
  });
  return {
    error: (sentence) => void logger.log("error", sentence),
    warning: (sentence) => void logger.log("warning", sentence),
    info: (sentence) => void logger.log("info", sentence),
    debug: (sentence) => {
      if (inForce.level === "debug") logger.log("debug", sentence());
    },
    reopen: () => sink.reopen(),
    use: (next) => {
      logger.level = next.level;
      const elsewhere = next.file !== inForce.file;
      inForce = next;
      if (!elsewhere) return;
      report(undefined);
      const [last, lastTransport] = [sink, transport];
      written = Promise.allSettled([written, last.end()]).then(() => {});
      sink = sinkOf(next);
      transport = transportTo(sink);
      logger.add(transport).remove(lastTransport);
    },
    settled: () =>
      Promise.race([
        Promise.all([written, sink.settled()]).then(() => {}),
        setTimeout(partingMillis, undefined, { ref: false }),
      ]),
  };
}

/** Wall-clock time with the zone's offset: `2026-11-21T14:03:07.250+01:00`. */
export function localTime(at: Date): string {
  const minutes = -at.getTimezoneOffset();
  const local = new Date(at.getTime() + minutes * 60_000).toISOString().slice(0, -1);
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const offset = [hours, rest].map((part) => String(part).padStart(2, "0")).join(":");
  return `${local}${minutes < 0 ? "-" : "+"}${offset}`;
}

/** `2026-11-22T03:40+01:00`: an hour that people name has no seconds. */
export function localMinute(at: Date): string {
  return localTime(at).replace(/:\d\d\.\d{3}/, "");
}

/** A sentence may quote what a machine or a web server said; it stays one line all the same. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}

/**
 * systemd.exec(5), JOURNAL_STREAM: device and inode of the stream it gave us. They are compared
 * because the variable outlives a redirection.
 */
function standardErrorIsJournal(): boolean {
  const { dev, ino } = fstatSync(2);
  return process.env["JOURNAL_STREAM"] === `${dev}:${ino}`;
}

/**
 * A script of some thousand characters would bury the sentences around it, and the swap changes rules several
 * times. So a line says what is run and what for, and only the level debug shows the script, line by line: it is
 * in the kernel as well (`nft list table`), and `promote --dry-run` prints it beforehand.
 */
export function logCommand(log: Log, line: string, script = ""): void {
  log.info(line);
  for (const part of script === "" ? [] : script.split("\n")) log.debug(() => `  ${part}`);
}
