import { statSync } from "node:fs";

import type { LineSink } from "./lines.ts";
import { identityOf, OpenLog, type Start } from "./open-log.ts";

interface Problem {
  readonly kind: "missing" | "denied" | "failed";
  readonly sentence: string;
}

export interface FollowOptions {
  readonly path: string;
  /** `end`: only new lines count, except those of a file that is not there yet. */
  readonly start: Start;
  readonly sink: LineSink;
  /**
   * Milliseconds for which a file must have been quiet before it is let go after its renaming.
   * Default five minutes.
   */
  readonly quietMillis?: number;
}

/**
 * Follows the file that a path leads to, through everything that log rotation does to it:
 *
 * - renamed, and a new one made: the old one is read to its end, and kept open until it has been
 *   quiet for a while, because servers write on until they are told, and old workers of a graceful
 *   restart until their last request ends. Its place may be taken late: until then it is simply
 *   read on.
 * - truncated, with or without a copy: open-log.ts.
 * - deleted, or not there yet, not even its directory: a state, not an exception. What appears
 *   later is read from its beginning.
 * - a symbolic link switched: the same as renamed. Switched back, the old file goes on where it
 *   was.
 *
 * It looks instead of being told. inotify says nothing of what another machine writes over NFS,
 * nothing when a link or a directory on the way is switched, and loses events when its queue is
 * full; so one would have to look anyway. A look costs three system calls.
 *
 * What cannot be seen: a file that came and went between two looks; and a link switched back to
 * a file that was let go long ago is read from its beginning again.
 */
export class Follower {
  readonly #options: FollowOptions;
  #start: Start;
  #current: OpenLog | undefined;
  /** What the path led to before, oldest first. */
  #retired: Retired[] = [];
  #problem: Problem | undefined;
  #problemSince = Number.NEGATIVE_INFINITY;
  #looked = false;

  constructor(options: FollowOptions) {
    this.#options = options;
    this.#start = options.start;
  }

  /** How far the file was read: where another follower would go on. */
  get position(): Start {
    return this.#current?.position ?? this.#start;
  }

  /** What is wrong with the file, as a sentence. */
  get problem(): string | undefined {
    return this.#problem?.sentence;
  }

  /**
   * The problem, once it lasts: a rotation may leave the path empty until the server is told to
   * open its log again. What is wrong from the start is worth a word at once.
   */
  trouble(now: number): string | undefined {
    return now - this.#problemSince >= patienceMillis ? this.problem : undefined;
  }

  /**
   * Looks at the path and reads everything that was written so far. `now`: monotonic milliseconds.
   */
  poll(now: number): void {
    const missed = this.#look(now);
    const unread = this.#readAll(now);
    this.#note(missed ?? unread, now);
    this.#looked = true;
  }

  close(): void {
    this.#current?.close();
    for (const { log } of this.#retired) log.close();
    this.#current = undefined;
    this.#retired = [];
  }

  /** Opens what the path leads to now, if that is another file than before. */
  #look(now: number): Problem | undefined {
    const { path } = this.#options;
    try {
      const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
      if (stats === undefined) {
        if (this.#start === "end") this.#start = "beginning";
        return { kind: "missing", sentence: missing(path) };
      }
      if (!stats.isFile()) return { kind: "failed", sentence: noFile(path) };
      const identity = identityOf(stats);
      // Where it stood when first seen, should it only become readable later.
      if (this.#start === "end") this.#start = { identity, offset: Number(stats.size) };
      if (this.#current?.identity !== identity) this.#turnTo(identity, now);
      return undefined;
    } catch (error) {
      return problemOf(path, error);
    }
  }

  #turnTo(identity: string, now: number): void {
    const { path, sink } = this.#options;
    const known = this.#retired.find(({ log }) => log.identity === identity);
    const next = known?.log ?? new OpenLog(path, this.#start, sink);
    this.#retired = this.#retired.filter((one) => one !== known);
    if (this.#current !== undefined) this.#retired.push({ log: this.#current, heardAt: now });
    this.#current = next;
    this.#start = "beginning";
  }

  #readAll(now: number): Problem | undefined {
    this.#retired = this.#retired.filter((one) => this.#readRetired(one, now));
    while (this.#retired.length > retiredMax) this.#retired.shift()?.log.finish();
    try {
      this.#current?.read();
      return undefined;
    } catch (error) {
      // A stale NFS handle, a failing disk: open it again, and go on from the same place.
      this.#start = this.position;
      this.#current?.close();
      this.#current = undefined;
      return problemOf(this.#options.path, error);
    }
  }

  /** False once it is to be let go. */
  #readRetired(one: Retired, now: number): boolean {
    try {
      if (one.log.read()) one.heardAt = now;
    } catch {
      // It has no path to be opened by again: what was read is all that there will be.
      one.log.finish();
      return false;
    }
    if (now - one.heardAt < (this.#options.quietMillis ?? quietMillisDefault)) return true;
    one.log.finish();
    return false;
  }

  #note(problem: Problem | undefined, now: number): void {
    const before = this.#problem?.kind;
    if (this.#looked && problem?.kind !== before) this.#problemSince = now;
    this.#problem = problem;
  }
}

interface Retired {
  readonly log: OpenLog;
  heardAt: number;
}

const quietMillisDefault = 300_000;
const patienceMillis = 5_000;
/**
 * Descriptors held of one path's past. More rotations than that within `quietMillis` are somebody's
 * mistake.
 */
const retiredMax = 8;

function problemOf(path: string, error: unknown): Problem {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return { kind: "missing", sentence: missing(path) };
  if (code === "EACCES" || code === "EPERM") return { kind: "denied", sentence: denied(path) };
  return { kind: "failed", sentence: `Cannot read ${path}: ${message}` };
}

const missing = (path: string): string =>
  `Cannot read ${path}: there is no such file; name the access_log that the web server writes`;

const denied = (path: string): string =>
  `Cannot read ${path}: permission denied; let the agent read the file and enter its directory`;

const noFile = (path: string): string =>
  `Cannot follow ${path}: it is not a regular file; let the web server write its log to one`;
