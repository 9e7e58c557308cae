import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds on CLOCK_MONOTONIC, which every process of this machine reads alike. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

export interface WaitOptions {
  /** Milliseconds; default 10,000. */
  readonly within?: number;
  /** Milliseconds between two looks; default 20. */
  readonly every?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Waits until the condition holds and answers with how long that took. Rejects when it never does. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  { within = 10_000, every = 20, signal }: WaitOptions = {},
): Promise<number> {
  const start = now();
  while (!(await condition())) {
    if (now() - start > within) {
      throw new Error(`Cannot see that ${what}: waited ${(within / 1000).toFixed(1)} s`);
    }
    await pause(every, signal);
  }
  return now() - start;
}

/** Rejects at once when the signal is or becomes aborted. */
export async function pause(millis: number, signal?: AbortSignal): Promise<void> {
  await sleep(millis, undefined, signal === undefined ? {} : { signal });
}
