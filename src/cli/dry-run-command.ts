import { configurationAt, type Whereabouts } from "./agent-access.ts";
import { type ExitCode, exitCodes } from "./failure.ts";
import type { Status } from "./status.ts";
import { type PlannedStep, planSwap } from "./swap-plan.ts";
import { type Paint, paintFor } from "./terminal.ts";

/** `failover promote NODE --dry-run`: what would be done, command by command; nothing moves. */
export async function runDryRun(
  status: Status,
  options: Whereabouts & { readonly node: string; readonly json: boolean },
): Promise<ExitCode> {
  const configuration = await configurationAt(options);
  const steps = planSwap(configuration, options.node);
  const refusals = refusalsNow(status, options.node);
  const paint = paintFor(process.stdout);
  const text = options.json
    ? JSON.stringify({ steps, refusals }, null, 2)
    : dryRunLines(steps, refusals, paint).join("\n");
  process.stdout.write(`${text}\n`);
  return refusals.length === 0 ? exitCodes.done : exitCodes.refused;
}

/** The plan as text, the reasons why it would not even begin last. */
export function dryRunLines(
  steps: readonly PlannedStep[],
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
  return [...lines, ...end];
}

/** What can be seen already: the agents look again, and further, when the order is given. */
export function refusalsNow(status: Status, target: string): string[] {
  const { peer, node, handover, agent } = status;
  const peerIsTarget = peer.node === target;
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
    [handover !== null, `the handover ${handover?.from} → ${handover?.to} is not over yet`],
  ];
  return refusals.filter(([holds]) => holds).map(([, sentence]) => sentence);
}
