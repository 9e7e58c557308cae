import { styleText } from "node:util";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Colours text, or leaves it alone where colour would be noise. */
export type Paint = (style: Style, text: string) => string;

export const plainPaint: Paint = (_, text) => text;

/** A terminal gets colour unless NO_COLOR is set (no-color.org); a pipe never does. */
export function paintFor(stream: { readonly isTTY?: boolean }): Paint {
  return isTerminal(stream) && !process.env["NO_COLOR"] ? colour : plainPaint;
}

/** Asked not to look at standard output by itself: which stream it is for was decided before. */
const colour: Paint = (style, text) => styleText(style, text, { validateStream: false });

export function isTerminal(stream: { readonly isTTY?: boolean }): boolean {
  return stream.isTTY === true && process.env["TERM"] !== "dumb";
}

/** A block of lines that is drawn over itself. */
export class LiveBlock {
  readonly #stream: NodeJS.WriteStream;
  #height = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /**
   * Lines wider or more than the terminal would break the count of lines to go back, so they are
   * cut.
   */
  draw(lines: readonly string[]): void {
    // A serial console says that it has no columns.
    const [columns, rows] = [this.#stream.columns || 80, this.#stream.rows || 24];
    const shown = lines.slice(0, Math.max(1, rows - 1)).map((line) => cut(line, columns));
    const up = this.#height === 0 ? "" : `\x1b[${this.#height}A`;
    this.#stream.write(`${up}\r\x1b[J${shown.join("\n")}\n`);
    this.#height = shown.length;
  }
}

const escapeCharacter = String.fromCharCode(27);
const colourOrCharacter = new RegExp(`${escapeCharacter}\\[[0-9;]*m|.`, "gsu");

/** At most `width` characters that show; colours take none. */
function cut(line: string, width: number): string {
  let shown = 0;
  let result = "";
  for (const [part] of line.matchAll(colourOrCharacter)) {
    if (!part.startsWith(escapeCharacter)) shown += 1;
    if (shown > width) return `${result}\x1b[0m`;
    result += part;
  }
  return result;
}
