import { isIPv6 } from "node:net";
import type { Millis } from "../../core/time.ts";
import type { ServiceAddress, SwapMode, Takeover, WitnessChoice } from "./configuration.ts";
import type { Refusal } from "./settings.ts";

/** What the rules between keys look at; undefined where the value itself was refused. */
export interface Draft {
  readonly address: readonly ServiceAddress[] | undefined;
  readonly interval: Millis | undefined;
  readonly deadTime: Millis | undefined;
  readonly witness: WitnessChoice | undefined;
  readonly takeover: Takeover | undefined;
  readonly swap: {
    readonly steps: readonly number[] | undefined;
    /** Only where it stands in the file. */
    readonly mode: SwapMode | undefined;
  };
  readonly nodes: readonly NodeDraft[];
}

export interface NodeDraft {
  readonly name: string;
  readonly paths: readonly string[] | undefined;
  readonly accessLog: readonly string[] | undefined;
}

/** What no key can know alone. */
export function brokenRules(draft: Draft): readonly Refusal[] {
  return [
    ...deadTimeLeavesRoomForABeat(draft),
    ...stepsRiseToAll(draft),
    ...drainNeedsACommonNetwork(draft),
    ...twoNodes(draft),
    ...pathsArePairwise(draft),
    ...everyAddressHasOneUse(draft),
    ...everyLogOnce(draft),
  ];
}

/** Beats go every 0.75 to 1 interval: below 1.3 one late beat is a death. */
function deadTimeLeavesRoomForABeat({ interval, deadTime }: Draft): Refusal[] {
  if (interval === undefined || deadTime === undefined || deadTime >= 1.3 * interval) return [];
  const least = Math.ceil(1.3 * interval);
  return [
    {
      key: "deadTime",
      found: `${deadTime}ms`,
      allowed: `at least ${least}ms, which is 1.3 times the interval of ${interval}ms`,
    },
  ];
}

function stepsRiseToAll({ swap: { steps } }: Draft): Refusal[] {
  if (steps === undefined) return [];
  const rising = steps.every((step, index) => step > (steps[index - 1] ?? 0));
  if (rising && steps.at(-1) === 1) return [];
  const found = steps.map((step) => `${Number((step * 100).toFixed(4))}%`).join(", ");
  return [{ key: "swap.steps", found, allowed: "rates that rise and end with 100%" }];
}

/** Connections are handed over across the network of the service, which only one machine is on. */
function drainNeedsACommonNetwork({ takeover, swap: { mode } }: Draft): Refusal[] {
  if (takeover !== "link" || mode !== "drain") return [];
  return [{ key: "swap.mode", found: "drain", allowed: "cut, as takeover is link" }];
}

function twoNodes({ nodes }: Draft): Refusal[] {
  if (nodes.length === 2) return [];
  const found = nodes.length === 0 ? "nothing" : `${nodes.length} of them`;
  return [{ key: "nodes", found, allowed: "exactly two nodes" }];
}

function pathsArePairwise({ nodes }: Draft): Refusal[] {
  const [one, other] = nodes;
  if (nodes.length !== 2 || one?.paths === undefined || other?.paths === undefined) return [];
  const { paths } = one;
  if (other.paths.length !== paths.length) {
    const found = `${other.paths.length} of them`;
    const allowed = `as many as nodes.${one.name} has: ${paths.length}`;
    return [{ key: `nodes.${other.name}.paths`, found, allowed }];
  }
  return other.paths.flatMap((path, index) => {
    const opposite = paths[index] ?? path;
    if (isIPv6(opposite) === isIPv6(path)) return [];
    const key = `nodes.${other.name}.paths[${index}]`;
    const family = isIPv6(opposite) ? "IPv6" : "IPv4";
    return [{ key, found: path, allowed: `${family}, as its counterpart ${opposite} is` }];
  });
}

/** An address that moves cannot also be where a machine is heard, nor a witness be either. */
function everyAddressHasOneUse({ address, witness, nodes }: Draft): Refusal[] {
  const uses = [
    ...(address ?? []).map((one, index) => ({ key: `address[${index}]`, address: one.address })),
    ...nodes.flatMap(({ name, paths }) =>
      (paths ?? []).map((path, index) => ({ key: `nodes.${name}.paths[${index}]`, address: path })),
    ),
    ...(witness?.kind === "addresses" ? witness.addresses : []).map((one, index) => ({
      key: `witness[${index}]`,
      address: one,
    })),
  ];
  return repeated(uses.map(({ key, address: text }) => ({ key, text })));
}

function everyLogOnce({ nodes }: Draft): Refusal[] {
  return nodes.flatMap(({ name, accessLog }) =>
    repeated(
      (accessLog ?? []).map((text, index) => ({ key: `nodes.${name}.accessLog[${index}]`, text })),
    ),
  );
}

function repeated(uses: readonly { key: string; text: string }[]): Refusal[] {
  const first = new Map<string, string>();
  return uses.flatMap(({ key, text }) => {
    const earlier = first.get(text);
    if (earlier === undefined) {
      first.set(text, key);
      return [];
    }
    return [{ key, found: text, allowed: `another than ${earlier}, which has this one already` }];
  });
}
