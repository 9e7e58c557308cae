import { readFileSync } from "node:fs";

/**
 * Of this program, from its package.json, which stands two folders above both src/cli and dist/cli.
 */
export function version(): string {
  const file = new URL("../../package.json", import.meta.url);
  const { version: text } = JSON.parse(readFileSync(file, "utf8")) as { readonly version: string };
  return text;
}
