import { readdirSync, readFileSync } from "node:fs";

import { Lab } from "../../src/practice/lab.ts";
import { type MachineName, machineNames } from "../../src/practice/network.ts";
import { childrenOf } from "../../src/practice/proc.ts";
import { pause } from "../../src/practice/wait.ts";

/** What an agent takes while nothing happens: shares of one core, in per cent. */
export interface RestFigures {
  readonly machine: MachineName;
  readonly main: number;
  /** The reader of the access_logs, Node's pool and V8's workers. */
  readonly threads: number;
  /** The two `ip` that live as long as the agent. */
  readonly children: number;
  /** How often a second any of them was put on a core. */
  readonly wakes: number;
  /** Resident memory of the agent, in MB. */
  readonly memory: number;
}

/** Before, an agent looks at its logs more often, and V8 is still compiling: a fifth of what is taken at a minute. */
const settleMillis = 300_000;
const spanMillis = 60_000;

/** A pair with the defaults and web servers that nobody asks: the primary holds, the backup stands by. */
export async function atRest(): Promise<readonly RestFigures[]> {
  await using lab = await Lab.create();
  await lab.startWebs();
  await lab.startAgents();
  await lab.untilHeldBy("primary", { within: 30_000 });
  await lab.agents.backup.untilRole("standby");
  await pause(settleMillis);
  const before = machineNames.map((name) => costsOf(lab.agents[name].process.pid));
  const since = performance.now();
  await pause(spanMillis);
  const span = performance.now() - since;
  return machineNames.map((machine, index) => {
    const { pid } = lab.agents[machine].process;
    const after = costsOf(pid);
    const percent = (part: "main" | "threads" | "children"): number =>
      (after[part].nanos - (before[index]?.[part].nanos ?? 0)) / 1e4 / span;
    return {
      machine,
      main: percent("main"),
      threads: percent("threads"),
      children: percent("children"),
      wakes: ((wakesOf(after) - wakesOf(before[index])) * 1000) / span,
      memory: residentKilobytes(pid) / 1000,
    };
  });
}

interface Cost {
  readonly nanos: number;
  readonly wakes: number;
}

type Costs = Readonly<Record<"main" | "threads" | "children", Cost>>;

function costsOf(pid: number): Costs {
  const tasks = readdirSync(`/proc/${pid}/task`).map(Number);
  const ofThreads = tasks.filter((task) => task !== pid).map((task) => costOf(pid, task));
  return {
    main: costOf(pid, pid),
    threads: sum(ofThreads),
    children: sum(childrenOf(pid).map((child) => costOf(child, child))),
  };
}

/** Time on a core, time waiting for one, turns: Documentation/scheduler/sched-stats.rst. */
function costOf(pid: number, task: number): Cost {
  const [nanos = 0, , wakes = 0] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8")
    .split(" ")
    .map(Number);
  return { nanos, wakes };
}

const sum = (costs: readonly Cost[]): Cost => ({
  nanos: costs.reduce((total, { nanos }) => total + nanos, 0),
  wakes: costs.reduce((total, { wakes }) => total + wakes, 0),
});

const wakesOf = (costs: Costs | undefined): number =>
  costs === undefined ? 0 : costs.main.wakes + costs.threads.wakes + costs.children.wakes;

const residentKilobytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
