import { readFileSync, writeFileSync } from "node:fs";
import { getPriority, setPriority } from "node:os";
import { afterEach, beforeEach, expect, test } from "vitest";

import { runHook } from "../../src/cli/daemon/hook.ts";

/* Ahead of everything; and not where others stand for the end of memory, as far as a container may say. */
const own = "/proc/self/oom_score_adj";
let before: { readonly nice: number; readonly killed: string };

beforeEach(() => {
  before = { nice: getPriority(), killed: readFileSync(own, "utf8") };
  setPriority(-20);
  writeFileSync(own, "100");
});

afterEach(() => {
  writeFileSync(own, before.killed);
  setPriority(before.nice);
});

test("a hook and its children run behind the heart", async () => {
  const result = await runHook(`sleep 0.2; nice; cat ${own}; (nice)`, 10_000);
  expect(result).toEqual({ kind: "done", output: "0\n0\n0\n" });
  expect(getPriority()).toBe(-20);
});

test("a hook that fails says why, and one that hangs is ended", async () => {
  const reason = async (hook: string, patience: number) => {
    const result = await runHook(hook, patience);
    return result.kind === "failed" ? result.reason : undefined;
  };
  expect(await reason("echo broken >&2; exit 4", 10_000)).toMatch(/exit 4': broken$/);
  expect(await reason("exec sleep 60", 50)).toMatch(/it took longer than 50 ms$/);
});
