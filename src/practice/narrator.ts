import { isTerminal, type Paint, paintFor } from "../cli/terminal.ts";

export interface NarratorOptions {
  readonly write: (text: string) => void;
  readonly paint: Paint;
  readonly unicode: boolean;
}

/** Tells the practice as plain lines, coloured in a terminal. */
export class Narrator {
  readonly #options: NarratorOptions;
  #silent = false;

  constructor(options: NarratorOptions) {
    this.#options = options;
  }

  get unicode(): boolean {
    return this.#options.unicode;
  }

  /** Tells nothing more, whatever is still under way. */
  fallSilent(): void {
    this.#silent = true;
  }

  say(sentence: string): void {
    this.#line(sentence);
  }

  title(number: number, title: string): void {
    this.#line("");
    this.#line(this.#options.paint("bold", `${number}. ${title}`));
  }

  /** A command as it is typed, with the machine on which. */
  typed(place: string, command: string): void {
    this.#fact("typed", this.#options.paint("cyan", `${place}# ${command}`));
  }

  done(sentence: string): void {
    this.#fact("done", sentence);
  }

  expected(sentence: string): void {
    this.#fact("expected", sentence);
  }

  happened(sentence: string): void {
    this.#fact("happened", sentence);
  }

  timeline(line: string): void {
    this.#fact("client", line);
  }

  verdict(ok: boolean, sentence: string): void {
    const [mark, style] = ok ? (["ok", "green"] as const) : (["BROKEN", "red"] as const);
    this.#fact(this.#options.paint(style, mark.padEnd(labelWidth)), sentence);
  }

  /** What a command printed, a little aside. */
  quoted(text: string): void {
    for (const line of text.split("\n")) {
      if (line.trim() !== "") this.#fact("", this.#options.paint("dim", line));
    }
  }

  table(rows: readonly (readonly string[])[]): void {
    const widths = (rows[0] ?? []).map((_, column) =>
      Math.max(...rows.map((row) => row[column]?.length ?? 0)),
    );
    for (const row of rows) {
      const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0));
      this.#line(`  ${cells.join("  ")}`.trimEnd());
    }
  }

  #fact(label: string, text: string): void {
    this.#line(`   ${label.padEnd(labelWidth)} ${text}`);
  }

  #line(text: string): void {
    if (!this.#silent) this.#options.write(`${text}\n`);
  }
}

const labelWidth = 9;

/** Colour and blocks for a terminal that has them, plain ASCII for everything else. */
export function terminalNarrator(): Narrator {
  const locale = process.env["LC_ALL"] || process.env["LC_CTYPE"] || process.env["LANG"] || "";
  return new Narrator({
    write: (text) => process.stdout.write(text),
    paint: paintFor(process.stdout),
    unicode: isTerminal(process.stdout) && /utf-?8/i.test(locale),
  });
}
