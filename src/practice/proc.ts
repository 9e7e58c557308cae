import { readdirSync, readFileSync } from "node:fs";

/** What /proc says of processes. A process that has gone has no children and no command line. */
export function childrenOf(pid: number): number[] {
  const children: number[] = [];
  for (const thread of entries(`/proc/${pid}/task`)) {
    children.push(...numbers(text(`/proc/${pid}/task/${thread}/children`)));
  }
  return children;
}

export function commandLineOf(pid: number): string {
  return text(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
}

/** Zombies are not alive: nothing of theirs runs any more. */
export function isAlive(pid: number): boolean {
  const state = /^State:\t(\w)/m.exec(text(`/proc/${pid}/status`))?.[1];
  return state !== undefined && state !== "Z" && state !== "X";
}

export function isStopped(pid: number): boolean {
  return /^State:\tT/m.test(text(`/proc/${pid}/status`));
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function numbers(list: string): number[] {
  return list
    .split(/\s+/)
    .filter((word) => /^\d+$/.test(word))
    .map(Number);
}
