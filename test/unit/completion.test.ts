import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";

import { programThat } from "../../src/cli/program.ts";

/* The command line is described four more times, in three shells' languages and in the manual page. */
const root = resolve(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

interface Described {
  /** `key rotate`. */
  readonly name: string;
  /** `--wait`, without `--help`. */
  readonly options: readonly string[];
  readonly children: readonly string[];
}

function described(command: Command, before = ""): Described[] {
  return command.commands.flatMap((child) => {
    const name = `${before}${child.name()}`;
    const options = child.options.flatMap(({ long }) => long ?? []).sort();
    const children = child.commands.map((grandchild) => grandchild.name());
    return [{ name, options, children }, ...described(child, `${name} `)];
  });
}

const commands = described(programThat(() => {}));
const named = (name: string): Described => {
  const found = commands.find((one) => one.name === name);
  if (found === undefined) throw new Error(`There is no command ${name}`);
  return found;
};
const top = commands.map(({ name }) => name).filter((name) => !name.includes(" "));

test("the walk reaches commands of commands", () => {
  expect(named("key").children).toEqual(["rotate", "add", "retire", "list"]);
  expect(named("key rotate").options).toEqual(["--config", "--socket", "--wait"]);
});

const dashed = (text: string): string[] => [
  ...new Set([...text.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([word]) => word)),
];
const without = (words: readonly string[], ...left: readonly string[]): string[] =>
  words.filter((word) => !left.includes(word)).sort();

describe("bash", () => {
  /** What pressing Tab offers after these words, the last of which is being typed. */
  function offered(...words: readonly string[]): string[] {
    const script = `
      _init_completion() {
        cword=$((\${#typed[@]} - 1)) words=("\${typed[@]}") cur=\${typed[-1]} prev=\${typed[-2]}
      }
      _filedir() { COMPREPLY=(FILE); }
      failover() { printf '  "nodes": [\\n    "primary",\\n    "backup"\\n  ],\\n'; }
      source "$1"
      typed=("\${@:2}")
      _failover
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const file = join(root, "systemd/completion/failover.bash");
    const typed = ["-c", script, "bash", file, "failover", ...words];
    return execFileSync("bash", typed, { encoding: "utf8" }).split("\n").filter(Boolean);
  }

  test.each(commands)("offers the options of $name, and no others", ({ name, options }) => {
    expect(without(offered(...name.split(" "), "--"), "--help")).toEqual(options);
  });

  test("offers commands, and commands of commands", () => {
    expect(without(offered(""), "--help", "--version")).toEqual([...top, "help"].sort());
    expect(offered("key", "")).toEqual(named("key").children);
    expect(offered("key", "rotate", "")).toEqual([]);
    expect(without(offered("help", ""))).toEqual([...top, "help"].sort());
  });

  test.each([
    [
      ["promote", ""],
      ["primary", "backup"],
    ],
    [
      ["check", "--node", ""],
      ["primary", "backup"],
    ],
    [["init", "--node", ""], []],
    [["init", "--from", ""], ["FILE"]],
    [["preview", "--from", ""], []],
    [["init", "--key", ""], ["FILE"]],
    [["cleanup", "--state-dir", ""], ["FILE"]],
  ])("after %j comes %j", (words, answers) => {
    expect(offered(...words)).toEqual(answers);
  });
});

describe("zsh", () => {
  const text = read("systemd/completion/failover.zsh");
  const variables = new Map(
    [...text.matchAll(/^ {2}(\w+)=\(('.*')\)$/gm)].map(([, name = "", value = ""]) => [
      name,
      value,
    ]),
  );

  /** The arms of a `case`, by the words before their bracket. */
  function arms(block: string, indent: string): Map<string, string> {
    const arm = new RegExp(
      `^${indent}([a-z*][a-z |]*)\\)([\\s\\S]*?)(?=^${indent}[a-z*][a-z |]*\\)|^${indent.slice(2)}esac)`,
      "gm",
    );
    return new Map(
      [...block.matchAll(arm)].flatMap(([, words = "", body = ""]) =>
        words.split(" | ").map((word) => [word.trim(), body] as const),
      ),
    );
  }
  const outer = arms(text, "    ");

  test.each(commands)("offers the options of $name, and no others", ({ name, children }) => {
    const [first = "", second] = name.split(" ");
    const whole = outer.get(first) ?? "";
    const inner = arms(whole, "        ");
    const body =
      (second === undefined ? (children.length > 0 ? inner.get("*") : whole) : inner.get(second)) ??
      "";
    const spelt = body.replace(/\$(\w+)/g, (_, variable: string) => variables.get(variable) ?? "");
    expect(without(dashed(spelt), "--help")).toEqual(named(name).options);
  });

  test("offers every command", () => {
    const offered = [...text.matchAll(/^ {4}'([a-z]+):/gm)].map(([, word]) => word ?? "");
    expect(without(offered, "help")).toEqual([...top].sort());
    expect(text).toContain(`'1:what:(${named("key").children.join(" ")})'`);
  });
});

describe("fish", () => {
  const text = read("systemd/completion/failover.fish");
  const where = /^set -l where (.*)$/m.exec(text)?.[1] ?? "";
  const lines = [
    ...text.matchAll(/^complete -c failover -n ['"]__failover_in ([^'";]+)['"] (.*)$/gm),
  ].map(([, seen = "", rest = ""]) => ({ seen: seen.replace("$where", where).split(" "), rest }));

  test.each(commands)("offers the options of $name, and no others", ({ name, options }) => {
    const words = name.split(" ");
    const offered = lines
      .filter(({ seen }) => seen.some((word) => words.includes(word)))
      .flatMap(({ rest }) =>
        [...rest.matchAll(/(?:^| )-l ([a-z-]+)/g)].map(([, long]) => `--${long}`),
      );
    expect(offered.sort()).toEqual(options);
  });

  test("offers every command", () => {
    const offered = [...text.matchAll(/-n __fish_use_subcommand -a ([a-z]+)/g)].map(
      ([, word]) => word ?? "",
    );
    expect(without(offered, "help")).toEqual([...top].sort());
    expect(text).toContain(`-a '${named("key").children.join(" ")}'`);
  });
});

describe("the manual page", () => {
  const text = read("docs/failover.8")
    .replace(/\\f[A-Z]/g, "")
    .replaceAll("\\-", "-");
  const section = (title: string): string =>
    new RegExp(`^\\.SH ${title}\\n([\\s\\S]*?)(?=^\\.SH )`, "m").exec(text)?.[1] ?? "";
  const paragraphs = section("COMMANDS").split(/^\.TP\n/m);
  const everywhere = dashed(section("OPTIONS"));

  /** The lines of SYNOPSIS and the paragraphs that name a command. */
  function about(name: string): string {
    const [first = "", second] = name.split(" ");
    const lines = section("SYNOPSIS")
      .split("\n")
      .filter((line) => line.startsWith(`failover ${first}`) || line.includes(`| ${first}`));
    const own = paragraphs.filter((paragraph) => {
      const [title = ""] = paragraph.split("\n");
      return new RegExp(`\\b${first}\\b.*${second ?? ""}`).test(title);
    });
    return [...lines, ...own].join("\n");
  }

  test.each(commands)("tells of $name and its options", ({ name, options }) => {
    expect(about(name)).not.toBe("");
    const told = [...dashed(about(name)), "--config", "--socket", "--state-dir"];
    expect(options.filter((option) => !told.includes(option))).toEqual([]);
  });

  test("tells of the options that all commands have, with their letters", () => {
    for (const option of ["--config", "--socket", "--state-dir", "--node", "--json", "--help"])
      expect(everywhere).toContain(option);
    for (const { flags } of programThat(() => {}).options)
      expect(section("OPTIONS")).toContain(flags);
    expect(section("SYNOPSIS")).toContain("-n|--count N");
  });
});
