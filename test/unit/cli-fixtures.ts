import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Configuration } from "../../src/cli/configuration/configuration.ts";
import { parseConfiguration } from "../../src/cli/configuration/parse.ts";
import type { HandoverStatus, Status } from "../../src/cli/status.ts";

export function configurationOf(text: string): Configuration {
  const parsed = parseConfiguration(text);
  if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
  return parsed.configuration;
}

/** The least that a pair has to tell. */
export const configuration = configurationOf(`
pair: www
address: 203.0.113.10
key: /etc/failover/key
nodes:
  primary: { interface: eth0, paths: [203.0.113.11] }
  backup: { interface: eth0, paths: [203.0.113.12] }
`);

/** A holder in a quiet hour; each test changes what it is about. */
export function aStatus(changes: Partial<Status> = {}): Status {
  return {
    pair: "www",
    node: "primary",
    nodes: ["primary", "backup"],
    role: "holding",
    epoch: 7,
    blind: false,
    holder: "primary",
    released: false,
    frozen: false,
    why: "Holds the address: backup lets it",
    ages: {
      pair: 90_000_000,
      node: 90_000_000,
      role: 242_000,
      epoch: 242_000,
      blind: 242_000,
      holder: 242_000,
      released: null,
      frozen: null,
      why: 241_000,
    },
    addresses: [
      { address: "203.0.113.10", interface: "eth0", present: true, age: 12 },
      { address: "2001:db8::10", interface: "eth0", present: true, age: 12 },
    ],
    service: { health: "well", port: 80, age: 640 },
    network: { carrier: true, peer: true, witness: true, age: 3_700_000 },
    witness: { addresses: ["203.0.113.1"], seenAge: 870, broken: false },
    peer: {
      node: "backup",
      heard: true,
      heardAge: 34,
      hearsUsAge: 61,
      role: "standby",
      epoch: 7,
      able: true,
      released: false,
      diverts: true,
      service: "well",
      network: { carrier: true, peer: true, witness: true },
      mac: "02:00:00:00:00:02",
      configuration: "5b3b5813445f1896",
    },
    keys: { accepted: [2], peer: { signed: 2, newest: 2 } },
    paths: [
      {
        name: "203.0.113.11 → 203.0.113.12",
        service: true,
        heardAge: 34,
        hearsUsAge: 61,
        received: 24_310,
        sent: 24_296,
        dropped: { "wrong-key": 3, replayed: 0 },
        longestGap: 131.4,
        deadTimeForGap: 200,
      },
      {
        name: "192.168.250.1 → 192.168.250.2",
        service: false,
        heardAge: null,
        hearsUsAge: null,
        received: 0,
        sent: 24_296,
        dropped: {},
        longestGap: null,
        deadTimeForGap: null,
      },
    ],
    handover: null,
    traffic: null,
    lastHandover: null,
    waiting: [],
    alerts: [],
    swap: {
      minRequests: 10,
      maxErrorRate: 0.01,
      verifyTime: 30_000,
      steps: 1,
      drainTime: 60_000,
    },
    agent: {
      version: "0.1.0",
      pid: 4711,
      configuration: "5b3b5813445f1896",
      diverts: true,
      age: 90_000_000,
    },
    ...changes,
  };
}

/** An order as a client sends it. */
export const promote = {
  kind: "promote",
  node: "backup",
  id: "0123456789ab",
  cut: false,
  hold: undefined,
  drainTime: undefined,
} as const;

export function aHandover(changes: Partial<HandoverStatus> = {}): HandoverStatus {
  return {
    id: "0123456789ab",
    from: "primary",
    to: "backup",
    phase: "measuring",
    age: 1200,
    phaseAge: 1100,
    baseline: null,
    served: null,
    mode: "cut",
    share: 0,
    connections: { from: null, to: null },
    stragglers: 0,
    held: false,
    reason: "",
    ...changes,
  };
}

export interface Scratch extends AsyncDisposable {
  readonly directory: string;
  path(name: string): string;
}

/** A directory of its own, gone at the end of the test. */
export async function scratch(): Promise<Scratch> {
  const directory = await mkdtemp(join(tmpdir(), "failover-test-"));
  return {
    directory,
    path: (name) => join(directory, name),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
