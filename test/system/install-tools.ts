import { ensureTools, labTools, testTools } from "../../src/practice/tools.ts";

/** Before the system tests: what they need is installed where apt can, and named where it cannot. */
export async function setup(): Promise<void> {
  await ensureTools([...labTools, ...testTools], console.log);
}
