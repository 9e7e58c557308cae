import { readFileSync, writeFileSync } from "node:fs";

import type { Lab } from "../../src/practice/lab.ts";
import type { LabProcess } from "../../src/practice/lab-process.ts";
import {
  type MachineName,
  machineNames,
  other,
  serviceAddress,
} from "../../src/practice/network.ts";
import { pause, until } from "../../src/practice/wait.ts";

/** One product with one setting, as the measurements use it. */
export interface Contender {
  readonly name: string;
  /** What a lab needs before either machine starts. */
  readonly prepare: (lab: Lab) => void;
  readonly start: (lab: Lab, machine: MachineName) => Promise<void>;
  /** Resolves when a takeover by this machine would be an ordinary one. */
  readonly standsBy: (lab: Lab, machine: MachineName) => Promise<void>;
  /** Moves the service away from the holder, as its administrator would. */
  readonly move: (lab: Lab, holder: MachineName) => Promise<void>;
}

export interface FailoverTimes {
  readonly interval: string;
  readonly deadTime: string;
  readonly confirmTime: string;
}

export function failover(times: FailoverTimes | undefined): Contender {
  const setting =
    times === undefined
      ? "defaults (100/300/100 ms)"
      : `${[times.interval, times.deadTime, times.confirmTime].join("/").replaceAll("ms", "")} ms`;
  return {
    name: `failover, ${setting}`,
    prepare: (lab) => lab.configure({ ...times, swap: { mode: "cut" } }),
    start: (lab, machine) => lab.agents[machine].start(),
    standsBy: (lab, machine) => lab.agents[machine].untilRole("standby", 20_000),
    move: async (lab, holder) => {
      const result = await lab.agents[holder].failover("promote", other(holder));
      if (result.code !== 0) throw new Error(`Cannot promote: ${result.stdout}${result.stderr}`);
    },
  };
}

/**
 * Debian's keepalived: VRRP version 3 by multicast, priorities around the default of 100, which add
 * 0.6 advertisements of skew, and no preemption, so that a machine that comes back moves nothing.
 */
export function keepalived(advertisementSeconds: number): Contender {
  const processes = new WeakMap<Lab, Map<MachineName, LabProcess>>();
  const running = (lab: Lab): Map<MachineName, LabProcess> => {
    const known = processes.get(lab) ?? new Map<MachineName, LabProcess>();
    processes.set(lab, known);
    return known;
  };
  const start = async (lab: Lab, name: MachineName): Promise<void> => {
    const machine = lab.machines[name];
    const command = ["keepalived", "--dont-fork", "--log-console", "--vrrp"];
    const files = [
      "--use-file=/run/etc/keepalived.conf",
      "--pid=/run/k.pid",
      "--vrrp_pid=/run/v.pid",
    ];
    running(lab).set(
      name,
      await machine.spawn([...command, ...files], { output: logFile(lab, name) }),
    );
  };
  return {
    name: `keepalived, advert_int ${advertisementSeconds}`,
    prepare: (lab) => {
      for (const name of machineNames) {
        const text = keepalivedConfiguration(advertisementSeconds, name);
        writeFileSync(lab.machines[name].path("etc/keepalived.conf"), text, { mode: 0o600 });
      }
    },
    start,
    // It has no command that tells; its log does, and after three advertisements it is in its stride.
    standsBy: async (lab, name) => {
      const says = (): boolean => saysBackup(readFileSync(logFile(lab, name), "utf8"));
      await until(`keepalived of ${name} stands by`, says, { within: 30_000 });
      await pause(500 + 3000 * advertisementSeconds);
    },
    move: async (lab, holder) => {
      const old = running(lab).get(holder);
      old?.kill("SIGTERM");
      await old?.gone;
      await until("the other took over", async () => (await lab.holders()).length === 1);
      await start(lab, holder);
    },
  };
}

const logFile = (lab: Lab, name: MachineName): string =>
  lab.machines[name].path("log/keepalived.log");

/** Of its last start: a log lives longer than a process. */
function saysBackup(log: string): boolean {
  const sinceStart = log.slice(log.lastIndexOf("Starting Keepalived"));
  return sinceStart.lastIndexOf("BACKUP STATE") > sinceStart.lastIndexOf("MASTER STATE");
}

function keepalivedConfiguration(advertisementSeconds: number, name: MachineName): string {
  return `global_defs {
  vrrp_version 3
}
vrrp_instance www {
  state BACKUP
  nopreempt
  interface eth0
  virtual_router_id 51
  priority ${name === "primary" ? 101 : 100}
  advert_int ${advertisementSeconds}
  virtual_ipaddress {
    ${serviceAddress}/32 dev eth0
  }
}
`;
}
