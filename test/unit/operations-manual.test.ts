import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

/**
 * Holds what the agent says against what docs/OPERATIONS.md explains: every sentence that may become an alert has a
 * row in the table of alerts, and no row explains what nobody says any more.
 */

const root = resolve(import.meta.dirname, "../..");
const manual = readFileSync(join(root, "docs/OPERATIONS.md"), "utf8");

const filesBelow = (directory: string): readonly string[] =>
  readdirSync(join(root, directory), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${directory}/${name}`);

/** What a value may be in a sentence. */
const hole = "‹›";

/** The strings of a source, each value in them a hole; those that are put together with `+` are one. */
function sentencesOf(file: string): readonly string[] {
  const source = readFileSync(join(root, file), "utf8")
    .replace(/^\s*(\*|\/\/|\/\*).*$/gm, "")
    .replace(/["`] \+\s*["`]/g, "");
  const literals = source.matchAll(
    /"((?:[^"\\\n]|\\.)*)"|`((?:\$\{(?:[^{}`]|`[^`]*`|\{[^{}]*\})*\}|[^`$])*)`/g,
  );
  return [...literals]
    .map(([, plain, template]) => plain ?? template ?? "")
    .map((text) =>
      text.replace(/\$\{(?:[^{}`]|`[^`]*`|\{[^{}]*\})*\}/g, hole).replace(/\\"/g, '"'),
    );
}

/** The first cells of a table, by the head of its first column; a cell may have several sentences. */
function rowsOf(head: string): readonly string[] {
  const [, table = ""] = manual.split(`\n| ${head} |`);
  const [, , ...lines] = (table.split("\n\n")[0] ?? "").split("\n");
  const cells = lines.map((line) => line.split(" | ")[0]?.replace(/^\| /, "") ?? "");
  return cells.flatMap((cell) => cell.split(/; (?=Cannot|The drain)/));
}

/** In a row, what stands for a value. */
const values = /…|\b(?:N|NODE|PAIR)\b/g;

/** What a row and a sentence have in common once the values are left out of both. */
const explains = (row: string, sentence: string): boolean => {
  const fixed = row.replace(/: …$/, "").trim().split(values);
  const pattern = fixed.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*");
  return new RegExp(`^${pattern}`, "s").test(sentence);
};

const alerts = rowsOf("alert");

/** Where alerts come from, and how one is told from the other strings there. */
const sources: readonly (readonly [
  files: readonly string[],
  isAlert: (sentence: string) => boolean,
])[] = [
  [["src/cli/daemon/alerts.ts"], (sentence) => sentence.includes(" ") && !sentence.startsWith(" ")],
  [["src/cli/daemon/status-book.ts"], (sentence) => sentence.includes("protocol")],
  [
    ["src/cli/daemon/reloads.ts", "src/cli/daemon/key-reloads.ts"],
    (sentence) => /^Cannot|stays? in force|keys in use/.test(sentence),
  ],
  [
    ["history", "journal", "log-sink", "daemon/waiting-swaps"].map((name) => `src/cli/${name}.ts`),
    (sentence) => sentence.startsWith("Cannot write"),
  ],
  [
    ["src/cli/daemon/steward.ts", "src/cli/daemon/strangers.ts"],
    (sentence) => /^Cannot (count|tell)/.test(sentence),
  ],
  [
    ["follow", "reader-thread", "watched-file"].map((name) => `src/traffic/${name}.ts`),
    (sentence) => /^(Cannot (read|follow|start)|The reader)/.test(sentence),
  ],
  [
    filesBelow("src/linux").filter((name) => !name.endsWith("ip-address.ts")),
    (sentence) => /^(Cannot|The (table|kernel|path|route)|Another)\b/.test(sentence),
  ],
];

/** Refused where a configuration is put in force or not, and led by what follows the last semicolon of the row. */
const isRefusal = (sentence: string): boolean =>
  /^Cannot (apply|run with)/.test(sentence) && sentence.includes(hole);

const said = sources.flatMap(([files, isAlert]) =>
  files.flatMap((file) => sentencesOf(file).filter(isAlert)),
);

test("every sentence that becomes an alert is explained in OPERATIONS.md", () => {
  expect(said.length).toBeGreaterThan(45);
  const unexplained = said
    .filter((sentence) => !isRefusal(sentence))
    .filter((sentence) => !alerts.some((row) => explains(row, sentence)));
  expect(unexplained).toEqual([]);
});

test("every row of the table of alerts explains a sentence of the code", () => {
  expect(alerts.filter((row) => !said.some((sentence) => explains(row, sentence)))).toEqual([]);
});

test("every line of the log that is explained can be written", () => {
  const lines = rowsOf("line");
  const all = ["src/core", "src/cli", "src/linux"].flatMap(filesBelow).flatMap(sentencesOf);
  expect(lines.length).toBeGreaterThan(25);
  expect(lines.filter((row) => !all.some((sentence) => explains(row, sentence)))).toEqual([]);
});
