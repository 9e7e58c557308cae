/** A value that stands for itself would be replaced for ever. */
const roundsMax = 64;
const lengthMax = 64 * 1024;

/** Parameters of keepalived.conf(5): `$NAME=VALUE`, later `$NAME` or `${NAME}`; replaced when used. */
export class Substitution {
  readonly #values = new Map<string, string>();

  /** Whether the line was a definition. */
  define(line: string): boolean {
    const match = /^\s*\$([A-Za-z_]\w*)=(.*)$/s.exec(line);
    if (match === null) return false;
    this.#values.set(match[1] ?? "", (match[2] ?? "").trim());
    return true;
  }

  /** Undefined where the parameters never come to an end. What is not defined stays. */
  apply(line: string): string | undefined {
    let text = line;
    for (let round = 0; round < roundsMax; round += 1) {
      const next = text.replace(
        /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*)(?=\s|$))/g,
        (whole, braced: string | undefined, bare: string | undefined) =>
          this.#values.get(braced ?? bare ?? "") ?? whole,
      );
      if (next === text) return text.replace(/\$\{(\w*)\}/g, "$$$1");
      if (next.length > lengthMax) return undefined;
      text = next;
    }
    return undefined;
  }
}
