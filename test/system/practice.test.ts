import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

import { childrenOf, isAlive } from "../../src/practice/proc.ts";
import { pause, until } from "../../src/practice/wait.ts";

const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

class Rehearsal {
  readonly process: ChildProcess;
  told = "";

  constructor(...options: readonly string[]) {
    this.process = spawn(process.execPath, [main, "practice", ...options], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.on("data", (chunk) => {
        this.told += chunk;
      });
    }
  }

  /** The exit code, or the signal. */
  async ended(): Promise<number | string> {
    const [code, signal] = (await once(this.process, "close")) as [number | null, string | null];
    return code ?? signal ?? "nothing";
  }

  untilTold(fragment: string): Promise<number> {
    return until(`the practice tells ${fragment}`, () => this.told.includes(fragment), {
      within: 60_000,
    });
  }

  /** Every process under the practice, as deep as it goes. */
  descendants(pid = this.process.pid ?? 0): number[] {
    return childrenOf(pid).flatMap((child) => [child, ...this.descendants(child)]);
  }
}

const links = (): string => execFileSync("ip", ["-br", "link"], { encoding: "utf8" });

test("the practice runs to its end, breaks no law and leaves nothing behind", async () => {
  const before = links();
  const rehearsal = new Rehearsal();
  await rehearsal.untilTold("1. ");
  const family = rehearsal.descendants();
  expect(family.length).toBeGreaterThan(10);
  expect(await rehearsal.ended(), rehearsal.told).toBe(0);
  expect(rehearsal.told).toContain("No law was broken");
  await allGone(family);
  expect(links()).toBe(before);
});

test.each([
  { what: "Ctrl-C", signals: ["SIGINT"] },
  { what: "SIGTERM", signals: ["SIGTERM"] },
  { what: "Ctrl-C twice", signals: ["SIGINT", "SIGINT"] },
] as const)("$what ends it and leaves nothing behind", async ({ signals }) => {
  const rehearsal = new Rehearsal();
  await rehearsal.untilTold("1. ");
  const family = rehearsal.descendants();
  for (const signal of signals) {
    rehearsal.process.kill(signal);
    await pause(1);
  }
  expect(await rehearsal.ended()).toBe(130);
  expect(rehearsal.told).toContain("Everything is taken down");
  await allGone(family);
});

test("SIGKILL leaves nothing behind either", async () => {
  const rehearsal = new Rehearsal();
  await rehearsal.untilTold("1. ");
  const family = rehearsal.descendants();
  expect(family.length).toBeGreaterThan(10);
  rehearsal.process.kill("SIGKILL");
  await rehearsal.ended();
  await allGone(family);
});

function allGone(family: readonly number[]): Promise<number> {
  return until("every process of the lab is gone", () => !family.some(isAlive), { within: 3000 });
}
