import { compileFormat, namedLogFormats } from "../../traffic/parse/log-format.ts";
import { quote } from "./problem.ts";
import type { Reader } from "./settings.ts";

/** Longer ones are no pattern, and what they compile to would have no bound. */
const charactersMax = 4096;

/**
 * A name, or a pattern as the web server has it, on several lines if it was pasted so. What is wrong
 * with a pattern is told with its place, because they are long.
 */
export const logFormat: Reader<string> = (raw, refuse) => {
  const text = typeof raw === "string" ? raw.trim() : "";
  const isName = namedLogFormats.some((name) => name === text);
  const isPattern = text.length <= charactersMax && /^(?:[^\p{Cc}]|[\n\t])*$/u.test(text);
  if (!isName && !(isPattern && /[%$]/.test(text))) {
    const names = namedLogFormats.join(", ");
    refuse("", quote(raw), `one of ${names}, or a pattern with % or $ as in the web server`);
    return undefined;
  }
  const compiled = compileFormat(text);
  if (compiled.kind === "compiled") return text;
  refuse("", compiled.found, compiled.allowed);
  return undefined;
};
