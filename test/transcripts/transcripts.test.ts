import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

import { play } from "./transcript.ts";

const here = new URL(".", import.meta.url);
const texts = readdirSync(here).filter((name) => name.endsWith(".txt"));

describe("what the machines say", () => {
  test.each(texts)("%s", (name) => {
    const file = new URL(name, here);
    const text = readFileSync(file, "utf8");
    const played = play(text);
    if (process.env["UPDATE"] === "1") writeFileSync(file, played);
    expect(played).toBe(process.env["UPDATE"] === "1" ? played : text);
  });
});
