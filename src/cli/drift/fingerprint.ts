/**
 * What one machine of a pair is made of, as far as the two should be alike: made by `failover fingerprint`,
 * and laid beside that of the other by `failover check --drift`. It travels as one line of JSON:
 *
 *   {"fingerprint":1,"pair":"www","node":"backup","at":"2026-11-21T09:14:22Z",
 *    "facts":[{"kind":"package","name":"nginx","value":"1.22.1-9+deb12u1"},…]}
 */
export interface Fingerprint {
  readonly pair: string;
  readonly node: string;
  /** When it was made, by the clock of that machine; printed, and never compared. */
  readonly at: string;
  readonly facts: readonly Fact[];
}

/** Two machines are alike where every fact of the one is a fact of the other. */
export interface Fact {
  readonly kind: FactKind;
  /** Unique among its kind. */
  readonly name: string;
  readonly value: string;
}

/** In the order in which they are shown. */
export const factKinds = ["failover", "package", "file", "port", "certificate", "kernel"] as const;
export type FactKind = (typeof factKinds)[number];

/** Of `failover` facts: the digest of the configuration, which both agents compare as well. */
export const configurationFact = "configuration";

const format = 1;

export function writeFingerprint(fingerprint: Fingerprint): string {
  return `${JSON.stringify({ fingerprint: format, ...fingerprint })}\n`;
}

/** Reads what came over the network; never throws. Undefined: it is none, or of another version. */
export function readFingerprint(text: string): Fingerprint | undefined {
  const found = parsed(text);
  if (!isObject(found) || found["fingerprint"] !== format) return undefined;
  const { pair, node, at, facts } = found;
  if (typeof pair !== "string" || typeof node !== "string") return undefined;
  if (typeof at !== "string" || !Array.isArray(facts) || !facts.every(isFact)) return undefined;
  return { pair, node, at, facts };
}

function isFact(value: unknown): value is Fact {
  if (!isObject(value)) return false;
  const { kind, name, value: fact } = value;
  const known = factKinds.some((one) => one === kind);
  return known && typeof name === "string" && typeof fact === "string";
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
