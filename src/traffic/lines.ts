/** Longer lines are counted as unreadable and skipped: servers write a few KiB at most. */
export const lineBytesMax = 65_536;

export interface LineSink {
  /** A line without its ending, one character a byte (latin1), never empty. */
  readonly line: (text: string) => void;
  /** A line longer than `lineBytesMax` went by. */
  readonly overlong: () => void;
}

/**
 * Cuts bytes into lines. What has no newline yet is kept until it comes, up to `lineBytesMax`:
 * nothing is buffered without bound. Empty lines are not lines; CRLF is read as LF.
 */
export class LineSplitter {
  readonly #sink: LineSink;
  #partial: Buffer = nothing;
  /** The rest of the line is dropped: it is too long, or it began before we did. */
  #dropping: "no" | "overlong" | "torn" = "no";

  constructor(sink: LineSink) {
    this.#sink = sink;
  }

  /** How many bytes are kept that no newline has followed yet. */
  get pending(): number {
    return this.#partial.length;
  }

  /** What comes next is the rest of a line whose beginning is not ours: drop it. */
  beginTorn(): void {
    this.#dropping = "torn";
  }

  push(bytes: Buffer): void {
    let from = 0;
    for (;;) {
      from = this.#skipHole(bytes, from);
      const newline = bytes.indexOf(lineFeed, from);
      if (newline < 0) break;
      this.#complete(bytes, from, newline);
      from = newline + 1;
    }
    if (from < bytes.length) this.#keep(bytes.subarray(from));
  }

  /** No more will come: a line that never got its newline is a line all the same. */
  finish(): void {
    this.#complete(nothing, 0, 0);
  }

  /**
   * A server that does not append, but writes where it last was, leaves a hole of zero bytes at the
   * beginning of a file truncated under it. The line behind the hole is a line like any other.
   */
  #skipHole(bytes: Buffer, start: number): number {
    if (this.#partial.length > 0) return start;
    let from = start;
    while (bytes[from] === 0) from += 1;
    return from;
  }

  #complete(bytes: Buffer, from: number, to: number): void {
    if (this.#dropping === "no") {
      if (this.#partial.length === 0) this.#tell(bytes, from, to);
      else {
        const whole = Buffer.concat([this.#partial, bytes.subarray(from, to)]);
        this.#tell(whole, 0, whole.length);
      }
    } else if (this.#dropping === "overlong") this.#sink.overlong();
    this.#partial = nothing;
    this.#dropping = "no";
  }

  #tell(bytes: Buffer, from: number, newline: number): void {
    const to = newline > from && bytes[newline - 1] === carriageReturn ? newline - 1 : newline;
    if (to - from > lineBytesMax) this.#sink.overlong();
    else if (to > from) this.#sink.line(bytes.toString("latin1", from, to));
  }

  #keep(bytes: Buffer): void {
    if (this.#dropping !== "no") return;
    if (this.#partial.length + bytes.length <= lineBytesMax) {
      this.#partial = Buffer.concat([this.#partial, bytes]);
    } else {
      this.#partial = nothing;
      this.#dropping = "overlong";
    }
  }
}

const nothing = Buffer.alloc(0);
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
