import { readFileSync, writeFileSync } from "node:fs";

import { leadsTo } from "../src/core/moves.ts";

/** Draws the diagram of roles in docs/ARCHITECTURE.md from the table that `step` asserts. */
export function withDiagram(text: string): string {
  const arrows = Object.entries(leadsTo).flatMap(([from, roles]) =>
    roles.filter((to) => to !== from).map((to) => `    ${from} --> ${to}`),
  );
  const drawn = ["```mermaid", "stateDiagram-v2", "    [*] --> boot", ...arrows, "```"].join("\n");
  return text.replace(/```mermaid\nstateDiagram-v2[\s\S]*?```/, drawn);
}

export const architecture = new URL("../docs/ARCHITECTURE.md", import.meta.url);

if (process.argv[1]?.endsWith("diagram.ts"))
  writeFileSync(architecture, withDiagram(readFileSync(architecture, "utf8")));
