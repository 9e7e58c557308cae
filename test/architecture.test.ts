import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

import { architecture, withDiagram } from "./diagram.ts";

const root = resolve(import.meta.dirname, "..");
const source = join(root, "src");

/** The floors, and what each may import: the table of docs/ARCHITECTURE.md. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  core: [],
  protocol: ["core"],
  agent: ["core", "protocol"],
  traffic: [],
  linux: ["core", "agent/ports.ts", "protocol", "traffic"],
  cli: ["core", "protocol", "agent", "traffic", "linux", "practice/practice.ts"],
  practice: ["cli", "linux", "core"],
};

const files = readdirSync(source, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => ({ name, text: readFileSync(join(source, name), "utf8") }));

const importsOf = (name: string, text: string): readonly string[] =>
  [...text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map(([, target = ""]) =>
    relative(source, resolve(dirname(join(source, name)), target)),
  );

describe("the house", () => {
  test.each(Object.keys(mayImport))("the floor %s imports only what stands below it", (floor) => {
    const allowed = [floor, ...(mayImport[floor] ?? [])];
    const wrong = files
      .filter(({ name }) => name.startsWith(`${floor}/`))
      .flatMap(({ name, text }) =>
        importsOf(name, text)
          .filter(
            (target) => !allowed.some((one) => target === one || target.startsWith(`${one}/`)),
          )
          .map((target) => `${name} imports ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  test("only one file holds native code", () => {
    const native = files.filter(({ text }) => text.includes('from "koffi"'));
    expect(native.map(({ name }) => name)).toEqual(["linux/native.ts"]);
  });

  test("the pure floors draw no numbers and read no clock", () => {
    const impure = files.filter(
      ({ name, text }) =>
        /^(core|protocol|agent|traffic\/parse)\//.test(name) &&
        /Math\.random|Date\.now|new Date|performance\./.test(text),
    );
    expect(impure.map(({ name }) => name)).toEqual([]);
  });

  test("no file is longer than 300 lines, no line than 120 columns", () => {
    const long = files.filter(
      ({ text }) =>
        text.split("\n").length > 301 ||
        text.split("\n").some((line) => line.length > 120 && !line.includes("`")),
    );
    expect(long.map(({ name }) => name)).toEqual([]);
  });

  test("the diagram of roles is drawn from the code: npm run diagram", () => {
    const text = readFileSync(architecture, "utf8");
    expect(withDiagram(text)).toBe(text);
  });

  test("transitions and checkers carry the laws word for word", () => {
    const flat = (text: string) => text.replace(/\n\s*\*?\s*/g, " ").replace(/\s+/g, " ");
    const laws = readFileSync(architecture, "utf8").match(/^\d+\. \*\*.*$/gm) ?? [];
    expect(laws).toHaveLength(10);
    for (const file of ["src/core/transitions.ts", "test/simulator/laws.ts"]) {
      const text = flat(readFileSync(join(root, file), "utf8"));
      for (const law of laws) expect(text).toContain(flat(law));
    }
  });
});
