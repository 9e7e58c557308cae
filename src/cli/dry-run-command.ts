import { interfaceFacts } from "../linux/network-facts.ts";
import { configurationAt, type Whereabouts } from "./agent-access.ts";
import type { Configuration } from "./configuration/configuration.ts";
import { type ExitCode, exitCodes } from "./failure.ts";
import type { Status } from "./status.ts";
import { type PlannedSwap, planSwap } from "./swap-plan.ts";
import { type Paint, paintFor } from "./terminal.ts";

/** `failover promote NODE --dry-run`: what would be done, command by command; nothing moves. */
export async function runDryRun(
  status: Status,
  options: Whereabouts & {
    readonly node: string;
    readonly cut: boolean;
    readonly share?: number;
    readonly drain?: number;
    readonly json: boolean;
  },
): Promise<ExitCode> {
  const configuration = await configurationAt(options);
  const { node: target, cut, share, drain: drainTime } = options;
  const plan = planSwap(configuration, {
    target,
    cut,
    ...(share !== undefined && { share }),
    ...(drainTime !== undefined && { drainTime }),
    macs: macsOf(configuration, status),
  });
  const unshared = share !== undefined && plan.mode === "cut";
  const refusals = [
    ...refusalsNow(status, target, options),
    ...(unshared ? ["connections cannot be handed over: the swap mode is cut"] : []),
  ];
  const paint = paintFor(process.stdout);
  const text = options.json
    ? JSON.stringify({ ...plan, refusals }, null, 2)
    : dryRunLines(plan, refusals, paint).join("\n");
  process.stdout.write(`${text}\n`);
  return refusals.length === 0 ? exitCodes.done : exitCodes.refused;
}

/** The plan as text, the reasons why it would not even begin last. */
export function dryRunLines(
  { mode, steps }: PlannedSwap,
  refusals: readonly string[],
  paint: Paint,
): string[] {
  const lines = steps.flatMap(({ node, title, lines: commands }) => [
    paint("bold", `${node} ${title}`),
    ...commands.flatMap((command) => command.split("\n")).map((line) => `    ${line}`),
  ]);
  const end =
    refusals.length === 0
      ? ["Nothing was moved"]
      : ["Nothing was moved; now it would be refused:", ...refusals.map((one) => `    ${one}`)];
  return [`In ${mode} mode:`, ...lines, ...end];
}

function macsOf({ nodes }: Configuration, { node, peer }: Status): Record<string, string> {
  const here = nodes.find(({ name }) => name === node);
  const own = here && interfaceFacts(here.interface)?.mac;
  return { ...(own && { [node]: own }), ...(peer.mac !== null && { [peer.node]: peer.mac }) };
}

/** What can be seen already: the agents look again, and further, when the order is given. */
export function refusalsNow(
  status: Status,
  target: string,
  { share, drain }: { readonly share?: number; readonly drain?: number } = {},
): string[] {
  const { peer, node, handover, agent } = status;
  const peerIsTarget = peer.node === target;
  const holdersMatter = share !== undefined || drain !== undefined;
  const refusals: readonly (readonly [boolean, string])[] = [
    [!peer.heard, `${peer.node} is not heard`],
    [peer.heard && peer.hearsUsAge === null, `${peer.node} does not hear ${node}`],
    [
      peer.configuration !== null && peer.configuration !== agent.configuration,
      `${peer.node} runs with another configuration`,
    ],
    [status.frozen, "the pair is frozen; failover thaw ends that"],
    [
      peerIsTarget && peer.able === false && peer.released === false,
      `${peer.node} says that it cannot take over`,
    ],
    [
      holdersMatter && status.holder !== node,
      `${node} does not hold the address; type the same command on ${peer.node}`,
    ],
    // From a share or a preview that is held it goes on.
    [
      handover !== null && !handover.held,
      `the handover ${handover?.from} → ${handover?.to} is not over yet`,
    ],
  ];
  return refusals.filter(([holds]) => holds).map(([, sentence]) => sentence);
}
