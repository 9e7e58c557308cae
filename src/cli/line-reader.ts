/**
 * Cuts a stream of bytes into lines of at most `bytesMax`. What a multi-byte character was cut in,
 * or a line that is not UTF-8, is the business of whoever reads the line.
 */
export class LineReader {
  readonly #bytesMax: number;
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /**
   * The lines that `chunk` completes, without their ends; "overflow": one is longer than allowed.
   */
  push(chunk: Buffer): readonly string[] | "overflow" {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      if (this.#restBytes + end - from > this.#bytesMax) return "overflow";
      lines.push(Buffer.concat([...this.#rest, chunk.subarray(from, end)]).toString("utf8"));
      this.#rest = [];
      this.#restBytes = 0;
      from = end + 1;
    }
    if (from < chunk.length) {
      this.#rest.push(Buffer.from(chunk.subarray(from)));
      this.#restBytes += chunk.length - from;
    }
    return this.#restBytes > this.#bytesMax ? "overflow" : lines;
  }
}
