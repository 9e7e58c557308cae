import { createHash } from "node:crypto";

import type { Configuration } from "./configuration.ts";

/**
 * What both machines must agree on, as 16 hex digits of SHA-256: everything but logging. Made from
 * the values, not from the file: comments, the order of keys and defaults written out change
 * nothing, the order within lists does, and that of `nodes` above all.
 */
export function configurationDigest(configuration: Configuration): string {
  const shared = Object.entries(configuration).filter(([key]) => key !== "log");
  const text = JSON.stringify(canonical(Object.fromEntries(shared)));
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, inner]) => [key, canonical(inner)]);
}
