import { writeFileSync } from "node:fs";
import { setPriority } from "node:os";

/**
 * Puts a child of the agent where any other process stands. The agent runs ahead of everything and is
 * killed last when memory ends; what it starts would inherit both, and stand in the way of the heart.
 * To be called as soon as the child has its id: its own children inherit from it then. Two system calls,
 * which wait for nothing.
 */
export function lower(pid: number): void {
  try {
    setPriority(pid, 0);
    writeFileSync(`/proc/${pid}/oom_score_adj`, "0");
  } catch {
    // It has ended already, or we may not: then we are not ahead ourselves.
  }
}
