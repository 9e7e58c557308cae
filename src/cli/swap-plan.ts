import { isIPv4 } from "node:net";

import type { MacAddress } from "../core/beat.ts";
import { counted } from "../core/counted.ts";
import { type Diversion, noDiversion } from "../core/diversion.ts";
import type { AddressWish } from "../core/effect.ts";
import { commandLine } from "../linux/command.ts";
import type { Configuration, NodeConfiguration, SwapMode } from "./configuration/configuration.ts";
import { sidesOf, warmTime } from "./configuration/node-here.ts";
import { PlannedMachine } from "./planned-machine.ts";
import { span } from "./spans.ts";

/** What one machine does in one step of a swap, as lines that an administrator could type there. */
export interface PlannedStep {
  readonly node: string;
  readonly title: string;
  /** Commands; what has no command is told after a `#`. */
  readonly lines: readonly string[];
}

export interface PlannedSwap {
  readonly mode: SwapMode;
  readonly steps: readonly PlannedStep[];
}

export interface PlanOptions {
  readonly target: string;
  /** In cut mode, whatever the configuration says. */
  readonly cut: boolean;
  /** Held at this share of new connections, 0 to 1, and then back. */
  readonly share?: number;
  /** In place of the configured one, in milliseconds; may be infinite. */
  readonly drainTime?: number;
  /** Of the service interfaces, by node, as far as they are known. */
  readonly macs: Readonly<Record<string, MacAddress>>;
}

/** A swap, moving nothing. Whether the kernels can pass connections on is for the agents to find out. */
export function planSwap(configuration: Configuration, options: PlanOptions): PlannedSwap {
  const { here: to, peer: from } = sidesOf(configuration, options.target);
  const mode = options.cut ? "cut" : configuration.swap.mode;
  const swap = { configuration, from, to, options };
  return { mode, steps: mode === "cut" ? cutSteps(swap) : drainSteps(swap) };
}

interface Swap {
  readonly configuration: Configuration;
  readonly from: NodeConfiguration;
  readonly to: NodeConfiguration;
  readonly options: PlanOptions;
}

const unseen: AddressWish = { address: "absent", silent: "present" };
const held: AddressWish = { address: "present", silent: "absent" };
const heldAndSilent: AddressWish = { address: "present", silent: "present" };
const gone: AddressWish = { address: "absent", silent: "absent" };

function cutSteps(swap: Swap): readonly PlannedStep[] {
  const { from, to } = swap;
  const { giver, taker } = machinesOf(swap);
  return [
    measuring(swap),
    step(to, "gets the address, unseen", [...taker.link("up"), ...taker.becomes(unseen)]),
    rehearsal(swap),
    step(from, "lets nobody new in, for a moment", giver.closes()),
    step(from, "lets the address go", [...giver.becomes(gone), ...giver.opens()]),
    step(to, "takes the address", taker.becomes(held)),
    step(to, "tells the network", taker.announces()),
    step(to, "proves that it serves", proof(swap, "")),
    ...putDown(swap, giver),
    step(to, "lets the address go, if the proof does not come", taker.becomes(gone)),
    step(from, "takes it back, in that case", [...giver.becomes(held), ...giver.announces()]),
  ];
}

/** Up until then, so that the way back is short. */
const putDown = ({ from }: Swap, giver: PlannedMachine): readonly PlannedStep[] => {
  const lines = giver.link("down");
  return lines.length === 0 ? [] : [step(from, "puts its interface down, a second later", lines)];
};

/** As src/core/handover.ts has it: divert, verify, move, drain. */
function drainSteps(swap: Swap): readonly PlannedStep[] {
  const { from, to, options } = swap;
  const { giver, taker } = machinesOf(swap);
  const share = byShare(taker);
  const shares = options.share === undefined ? swap.configuration.swap.steps : [options.share];
  const begun = [
    measuring(swap),
    step(from, "remembers who comes, and passes nobody on yet", [
      ...giver.passes(share(0)),
      `# ${span(warmTime)} pass: who was about to connect is known then, and stays`,
    ]),
    step(to, "gets the address, unseen", taker.becomes(unseen)),
    rehearsal(swap),
  ];
  const proved = shares.flatMap((one, index) => [
    step(from, `passes ${percent(one)} of new connections on`, giver.passes(share(one))),
    ...(index > 0
      ? []
      : [step(to, `notes who comes by way of ${from.name}`, passedBack(giver, taker))]),
    step(to, "proves that it serves them", proof(swap, ", of those that were passed on")),
  ]);
  if (options.share !== undefined)
    return [...begun, ...proved, ...backSteps(swap, "when its time is over")];
  return [
    ...begun,
    ...proved,
    ...moveSteps(swap, giver, taker),
    ...backSteps(swap, "if the proof does not come"),
  ];
}

function moveSteps(
  { configuration, from, to, options }: Swap,
  giver: PlannedMachine,
  taker: PlannedMachine,
): readonly PlannedStep[] {
  const { swap, hooks, addresses } = configuration;
  const drainTime = options.drainTime ?? swap.drainTime;
  const allButKept: Diversion = { kind: "all-but-kept", to: taker.mac };
  const patience = Number.isFinite(drainTime)
    ? `for ${span(drainTime)} at most`
    : "as long as it takes";
  return [
    step(from, "lists the connections that stay", [
      ...addresses.map(({ address }) => `# as ss --tcp --numeric src ${address} shows them`),
      ...giver.keeps(),
    ]),
    step(to, "is told the list, and hands those back", taker.keeps()),
    step(from, "passes everything else on, whoever sends it", [
      ...giver.becomes(heldAndSilent),
      ...giver.passes(allButKept),
    ]),
    step(to, "takes the address", taker.becomes(held)),
    step(to, "tells the network", taker.announces()),
    step(from, "lets the address go, and keeps what is open", [
      ...giver.becomes(unseen),
      ...giver.forgets(),
    ]),
    step(from, "ends what it has", [
      ...(hooks.drain === undefined ? [] : [commandLine("/bin/sh", ["-c", hooks.drain])]),
      `# waits until no connection and no neighbour is left, ${patience}; then ends what is left:`,
      ...giver.ends(),
    ]),
    step(from, "is idle", [...giver.passes(noDiversion), ...giver.becomes(gone)]),
    step(to, "hands nothing back any more", taker.passes(noDiversion)),
  ];
}

/** Two more machines, because these rules are another end of the same beginning. */
function backSteps(swap: Swap, when: string): readonly PlannedStep[] {
  const { from, to } = swap;
  const { giver, taker } = machinesOf(swap);
  const share = byShare(taker);
  giver.passes(share(1));
  taker.becomes(unseen);
  passedBack(giver, taker);
  return [
    step(from, `passes no new connection on, ${when}`, giver.passes(share(0))),
    step(to, "ends what was passed on, in that case", [
      ...taker.passes(noDiversion),
      "# and when the last of those connections has ended:",
      ...taker.becomes(gone),
    ]),
    step(from, "forgets it, in that case", giver.passes(noDiversion)),
  ];
}

function machinesOf({ configuration, from, to, options: { macs } }: Swap) {
  const machine = (node: NodeConfiguration, holds: boolean): PlannedMachine =>
    new PlannedMachine(configuration, node, {
      mac: macs[node.name] ?? `MAC-of-${node.name}`,
      holds,
    });
  return { giver: machine(from, true), taker: machine(to, false) };
}

const byShare =
  ({ mac }: PlannedMachine) =>
  (share: number): Diversion => ({ kind: "share", to: mac, share, testers: [] });

/** The target's rules are there from the first step on, with an empty list until it is told. */
const passedBack = (giver: PlannedMachine, taker: PlannedMachine): readonly string[] =>
  taker.passes({ kind: "kept", to: giver.mac }, giver.mac);

const step = (
  { name }: NodeConfiguration,
  title: string,
  lines: readonly string[],
): PlannedStep => ({
  node: name,
  title,
  lines,
});

const measuring = ({ from }: Swap): PlannedStep =>
  step(from, "measures what it serves", [
    `# counts requests and errors in ${from.accessLogs.join(", ")}`,
  ]);

function proof({ configuration, from, to }: Swap, whose: string): readonly string[] {
  const { minRequests, maxErrorRate, verifyTime } = configuration.swap;
  return [
    `# counts requests and errors in ${to.accessLogs.join(", ")}${whose}`,
    `# at least ${counted(minRequests, "request")} in ${verifyTime / 1000} s, errors at most ` +
      `${percent(maxErrorRate)} above those of ${from.name}`,
  ];
}

/** The page is asked for on the machine itself, where the address is on `lo`. */
function rehearsal({ configuration, to }: Swap): PlannedStep {
  const { addresses, canary, domain } = configuration;
  const address = addresses[0]?.address ?? "";
  const literal = isIPv4(address) ? address : `[${address}]`;
  const name = domain ?? literal;
  const connect = domain === undefined ? [] : ["--connect-to", `::${literal}:${canary.port}`];
  const { from, to: last } = canary.expect;
  const url = `${canary.scheme}://${name}:${canary.port}${canary.path}`;
  return step(to, "asks itself for a page", [
    commandLine("curl", ["-sS", "-o", "/dev/null", ...connect, url]),
    `# expects status ${from}-${last}, and the line in ${to.accessLogs.join(", ")}`,
  ]);
}

const percent = (rate: number): string => `${Number((rate * 100).toFixed(4))} %`;
