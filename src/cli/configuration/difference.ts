import type { Configuration, ServiceAddress, WitnessChoice } from "./configuration.ts";

/** What a running agent can make of a new configuration. */
export type Difference =
  | { readonly kind: "same" }
  /** All of it, at once; at least one change. */
  | { readonly kind: "applies"; readonly changes: readonly Change[] }
  /** These keys, as they stand in the file, cannot change while an agent runs; others may have too. */
  | { readonly kind: "needs-restart"; readonly keys: readonly string[] };

export interface Change {
  /** As it stands in the file: `interval`, `nodes.primary.accessLog`. */
  readonly key: string;
  /** `200ms instead of 100ms`, `203.0.113.11 added`. */
  readonly words: string;
}

export function difference(inForce: Configuration, next: Configuration): Difference {
  const [before, after] = [written(inForce), written(next)];
  if (before.get("nodes") !== after.get("nodes")) return { kind: "needs-restart", keys: ["nodes"] };
  const changes = [...after].flatMap(([key, to]) => {
    const words = wordsFor(before.get(key) ?? "", to);
    return words === undefined ? [] : [{ key, words }];
  });
  if (changes.length === 0) return { kind: "same" };
  const fixed = changes.map(({ key }) => key).filter(needsRestart);
  return fixed.length > 0 ? { kind: "needs-restart", keys: fixed } : { kind: "applies", changes };
}

/**
 * Names of tables, files and sockets, and where beats are heard: an agent that went on with others would
 * be another agent.
 */
const restartKeys: ReadonlySet<string> = new Set([
  "pair",
  "key",
  "nodes",
  "takeover",
  "routes",
  "port",
]);

const needsRestart = (key: string): boolean =>
  restartKeys.has(key) || /^nodes\..*\.(?:interface|paths)$/.test(key);

type Text = string | readonly string[];
type Section = "nodes" | "swap" | "hooks" | "canary" | "drift" | "log";

/** Every key with its value as an administrator writes it, `nodes` with the names in their order. */
function written(configuration: Configuration): ReadonlyMap<string, Text> {
  const { nodes, swap, hooks, canary, drift, log, ...rest } = configuration;
  const top: Record<Exclude<keyof Configuration, Section>, Text> = {
    pair: rest.pair,
    key: rest.key,
    takeover: rest.takeover,
    port: String(rest.port),
    addresses: rest.addresses.map(addressText),
    routes: rest.routes,
    domain: optional(rest.domain),
    interval: duration(rest.interval),
    deadTime: duration(rest.deadTime),
    confirmTime: duration(rest.confirmTime),
    lease: duration(rest.lease),
    bootTime: duration(rest.bootTime),
    witness: witnessText(rest.witness),
    announceRate: String(rest.announceRate),
    logFormat: rest.logFormat,
  };
  const sections = {
    swap: {
      mode: swap.mode,
      steps: swap.steps.map(share),
      minRequests: String(swap.minRequests),
      maxErrorRate: share(swap.maxErrorRate),
      verifyTime: duration(swap.verifyTime),
      drainTime: duration(swap.drainTime),
    } satisfies Record<keyof Configuration["swap"], Text>,
    hooks: { drain: optional(hooks.drain) } satisfies Record<keyof Configuration["hooks"], Text>,
    canary: {
      scheme: canary.scheme,
      port: String(canary.port),
      path: canary.path,
      expect: `${canary.expect.from}-${canary.expect.to}`,
    } satisfies Record<keyof Configuration["canary"], Text>,
    drift: drift satisfies Record<keyof Configuration["drift"], Text>,
    log: { level: log.level, file: optional(log.file) } satisfies Record<
      keyof Configuration["log"],
      Text
    >,
  };
  return new Map<string, Text>([
    ["nodes", nodes.map(({ name }) => name).join(", ")],
    ...Object.entries(top).map(([key, text]) => [inFile[key] ?? key, text] as const),
    ...nodes.flatMap(({ name, interface: device, paths, accessLogs }) =>
      Object.entries({ interface: device, paths, accessLog: accessLogs }).map(
        ([key, text]) => [`nodes.${name}.${key}`, text] as const,
      ),
    ),
    ...Object.entries(sections).flatMap(([section, texts]) =>
      Object.entries(texts).map(([key, text]) => [`${section}.${key}`, text] as const),
    ),
  ]);
}

const inFile: Readonly<Record<string, string>> = { addresses: "address" };

const duration = (millis: number): string => `${millis}ms`;
const share = (of: number): string => `${Number((of * 100).toFixed(4))}%`;
const optional = (text: string | undefined): string => text ?? "";
const addressText = ({ address, interface: device }: ServiceAddress): string =>
  device === undefined ? address : `${address} on ${device}`;
const witnessText = (witness: WitnessChoice): Text =>
  witness.kind === "addresses" ? witness.addresses : [witness.kind];

/** Undefined where nothing differs. */
function wordsFor(from: Text, to: Text): string | undefined {
  if (typeof from === "string" || typeof to === "string")
    return from === to ? undefined : `${quoted(to)} instead of ${quoted(from)}`;
  const [had, has] = [new Set(from), new Set(to)];
  const added = to.filter((item) => !had.has(item));
  const removed = from.filter((item) => !has.has(item));
  const words = [
    ...(added.length > 0 ? [`${few(added)} added`] : []),
    ...(removed.length > 0 ? [`${few(removed)} removed`] : []),
  ];
  if (words.length > 0) return words.join(", ");
  return from.join() === to.join() ? undefined : "in another order";
}

const quoted = (text: Text): string => String(text) || "nothing";

/** A list of a thousand is no sentence. */
const namedAtMost = 8;

const few = (items: readonly string[]): string =>
  items.length <= namedAtMost
    ? items.join(", ")
    : `${items.slice(0, namedAtMost).join(", ")} and ${items.length - namedAtMost} more`;
