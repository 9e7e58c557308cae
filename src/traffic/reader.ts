import { Counting, NewestTags, nothingYet } from "./counting.ts";
import { firstSecond } from "./last-minute.ts";
import type {
  Count,
  Exclusion,
  FromReader,
  Question,
  ReaderStart,
  Recent,
  ToReader,
} from "./messages.ts";
import type { LogLine } from "./parse/line.ts";
import { WatchedFile } from "./watched-file.ts";

/**
 * The reader's side of a watch, without its thread: told the time, told what is asked, and
 * answering with messages. Files are summed: a site may write one log for each virtual host.
 */
export class Reader {
  readonly #files: readonly WatchedFile[];
  readonly #post: (message: FromReader) => void;
  readonly #beganAt: number;
  readonly #recentTags = new NewestTags(1024);
  readonly #awaited = new Map<number, string>();
  #counting: Counting | undefined;
  /** Also of a count that is yet to begin: then it is in force from its first line. */
  #exclusion: Exclusion | undefined;
  #reportedCount: string | undefined;
  #reportedPositions: string | undefined;

  constructor(start: ReaderStart, now: number, post: (message: FromReader) => void) {
    this.#post = post;
    this.#beganAt = now;
    this.#exclusion = start.exclusion;
    if (start.count !== undefined) this.#counting = this.#begin(start.count);
    this.#reportedCount = JSON.stringify(start.count);
    this.#files = start.files.map(
      (file) =>
        new WatchedFile({ ...file, format: start.format, onLine: (line) => this.#take(line) }),
    );
  }

  /** Reads all files to their ends and says what changed. `now`: monotonic milliseconds. */
  poll(now: number): void {
    for (const file of this.#files) file.poll(now);
    for (const file of this.#files) {
      const news = file.newTrouble(now);
      if (news !== undefined) this.#post({ kind: "trouble", path: file.path, ...news });
    }
    this.#report();
    this.#answerAwaited();
  }

  /** Everything written before the message came is read before it is obeyed. */
  handle(message: ToReader, now: number): void {
    this.poll(now);
    switch (message.kind) {
      case "ask":
        this.#consider(message.number, message.question, now);
        return;
      case "forget":
        this.#awaited.delete(message.number);
        return;
      case "exclude":
        this.#exclusion = message.exclusion;
        if (this.#counting?.id !== message.exclusion.id) return;
        this.#counting.exclude(message.exclusion.addresses);
        this.#report();
        return;
    }
  }

  close(): void {
    for (const file of this.#files) file.close();
  }

  #consider(number: number, question: Question, now: number): void {
    switch (question.kind) {
      case "begin-count":
        this.#counting = this.#begin({ ...nothingYet, id: question.id });
        this.#reportedCount = JSON.stringify(this.#counting.count);
        this.#post({ kind: "answer", number, answer: undefined });
        return;
      case "recent":
        this.#post({ kind: "answer", number, answer: this.#recent(question.span, now) });
        return;
      case "await-tag":
        this.#awaited.set(number, question.tag);
        this.#answerAwaited();
        return;
    }
  }

  #begin(from: Count): Counting {
    const counting = new Counting(from);
    if (this.#exclusion?.id === from.id) counting.exclude(this.#exclusion.addresses);
    return counting;
  }

  #recent(span: number, now: number): Recent {
    const since = firstSecond(now, span);
    const sums = this.#files.map((file) => file.sum(since));
    return {
      requests: sums.reduce((total, { requests }) => total + requests, 0),
      errors: sums.reduce((total, { errors }) => total + errors, 0),
      span: now - Math.max(since, this.#beganAt),
    };
  }

  #take(line: LogLine | undefined): void {
    this.#counting?.take(line);
    if (line?.canary !== undefined) this.#recentTags.add(line.canary);
  }

  #report(): void {
    const count = this.#counting?.count;
    const positions = this.#files.map(({ position }) => position);
    const counted = JSON.stringify(count);
    const reached = JSON.stringify(positions);
    if (counted === this.#reportedCount && reached === this.#reportedPositions) return;
    const changed = counted !== this.#reportedCount;
    this.#reportedCount = counted;
    this.#reportedPositions = reached;
    this.#post({ kind: "report", count: changed ? count : undefined, positions });
  }

  #answerAwaited(): void {
    for (const [number, tag] of this.#awaited) {
      if (!this.#recentTags.has(tag)) continue;
      this.#awaited.delete(number);
      this.#post({ kind: "answer", number, answer: undefined });
    }
  }
}
