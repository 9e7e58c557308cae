import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";

import type { Configuration } from "../../src/cli/configuration/configuration.ts";
import type { Loaded } from "../../src/cli/configuration/load.ts";
import { parseConfiguration } from "../../src/cli/configuration/parse.ts";
import { hindranceOf, Reloads } from "../../src/cli/daemon/reloads.ts";
import { exitCodes, Failure } from "../../src/cli/failure.ts";
import { initialState } from "../../src/core/state.ts";
import { instant } from "../../src/core/time.ts";
import { policyOf } from "./agent-wire.ts";

const file = "/etc/failover/failover.yaml";

const text = (...lines: string[]) => `pair: www
address: 203.0.113.10
key: /etc/failover/key
nodes:
  primary: { interface: eth0, paths: [203.0.113.11] }
  backup: { interface: eth0, paths: [203.0.113.12] }
${lines.join("\n")}
`;

function load(content: string): Loaded {
  const parsed = parseConfiguration(content);
  if (parsed.kind === "valid") return parsed;
  const [problem] = parsed.problems;
  const message = `Cannot use ${file}: 1 problem\n  line ${problem?.line}: ${problem?.key}`;
  throw new Failure(exitCodes.usage, message);
}

/** An agent whose file, swap and configuration in force are what the test says. */
class Bench {
  content = text();
  inForce: Configuration = load(this.content).configuration;
  hindrance: string | undefined;
  alert: string | undefined;
  readonly told: string[] = [];
  reads = 0;
  readonly reloads = new Reloads({
    file,
    read: async () => {
      this.reads += 1;
      await nextTurn();
      return load(this.content);
    },
    inForce: () => this.inForce,
    hindrance: () => this.hindrance,
    apply: (configuration) => {
      this.inForce = configuration;
    },
    remark: (sentence) => this.told.push(sentence),
    tell: (level, sentence) => this.told.push(`${level}: ${sentence}`),
    report: (sentence) => {
      this.alert = sentence;
    },
  });

  /** The administrator writes the file and says so; resolves when that has been dealt with. */
  async reload(content: string): Promise<void> {
    this.content = content;
    this.reloads.ask();
    await this.turns();
  }

  async turns(): Promise<void> {
    for (let turn = 0; turn < 10; turn += 1) await nextTurn();
  }
}

test("a file that differs comes into force, and it is said in which words", async () => {
  const bench = new Bench();
  await bench.reload(text("interval: 200ms", "log: { level: debug }"));
  expect(bench.inForce.interval).toBe(200);
  expect(bench.told).toEqual([
    `info: ${file} is in force from now on: interval: 200ms instead of 100ms; log.level: debug instead of info`,
  ]);
  await bench.reload(bench.content);
  expect(bench.told.slice(1)).toEqual([`${file} is what runs already`]);
});

test("a wrong file, and one that needs a restart, are refused whole with their line", async () => {
  const bench = new Bench();
  const before = bench.inForce;
  for (const [line, words] of [
    ["interval: fast", `Cannot use ${file}: 1 problem: line 7: interval`],
    ["port: 700", `Cannot apply ${file} without a restart of the agent: line 7: port`],
  ] as const) {
    await bench.reload(text(line, "lease: 9s"));
    const sentence = `${words}; the configuration of before stays in force`;
    expect(bench.told.splice(0)).toEqual([`error: ${sentence}`]);
    expect(bench.alert).toBe(sentence);
    expect(bench.inForce).toBe(before);
  }
  await bench.reload(text());
  expect(bench.alert).toBeUndefined();
});

test("what this version cannot carry out is refused as at a start", async () => {
  const bench = new Bench();
  const elsewhere = "address: { address: 203.0.113.20, interface: eth1 }";
  await bench.reload(text().replace("address: 203.0.113.10", elsewhere));
  expect(bench.alert).toContain(`Cannot run with ${file}: address: 203.0.113.20`);
  expect(bench.inForce.addresses[0]?.address).toBe("203.0.113.10");
});

test("in the middle of a swap it waits for the end, and the last file counts", async () => {
  const bench = new Bench();
  bench.hindrance = "swap abc is over";
  await bench.reload(text("interval: 200ms"));
  await bench.reload(text("interval: 50ms"));
  bench.reloads.turned();
  await bench.turns();
  expect(bench.inForce.interval).toBe(100);
  expect(bench.told.at(-1)).toBe(
    `info: ${file} is valid, and comes into force when swap abc is over`,
  );
  bench.hindrance = undefined;
  bench.reloads.turned();
  await bench.turns();
  expect(bench.inForce.interval).toBe(50);
});

test("one that waits is forgotten when the file is changed back, or to something wrong", async () => {
  for (const content of [text(), text("interval: fast")]) {
    const bench = new Bench();
    bench.hindrance = "swap abc is over";
    await bench.reload(text("interval: 200ms"));
    await bench.reload(content);
    bench.hindrance = undefined;
    bench.reloads.turned();
    await bench.turns();
    expect(bench.inForce.interval).toBe(100);
  }
});

test("asked again while it reads, it reads once more, and after its end never", async () => {
  const bench = new Bench();
  for (let times = 0; times < 5; times += 1) bench.reloads.ask();
  await bench.turns();
  expect(bench.reads).toBe(2);
  bench.reloads.ask();
  await bench.reload(text("interval: 200ms"));
  expect(bench.reads).toBe(4);
  expect(bench.inForce.interval).toBe(200);
  bench.content = text("interval: 300ms");
  bench.reloads.ask();
  bench.reloads.stop();
  await bench.turns();
  expect(bench.inForce.interval).toBe(200);
});

test("a role that is changing, and a swap, are waited for", () => {
  const start = {
    at: instant(0),
    mac: "02:00:00:00:00:01",
    epoch: 1,
    released: false,
    freeze: { on: false, stamp: 0 },
    diverts: true,
  };
  const state = initialState(start, policyOf("primary"));
  expect(hindranceOf(state)).toBeUndefined();
  const taking = { kind: "take", since: instant(0), epoch: 2, blind: false } as const;
  expect(hindranceOf({ ...state, role: taking })).toBe("the address has arrived");
  const yielding = { kind: "yield", since: instant(0), epoch: 2 } as const;
  expect(hindranceOf({ ...state, role: yielding })).toBe("the address has gone");
  const since = instant(0);
  const wanting = { kind: "wanting", id: "abc", since, cut: false, serving: false } as const;
  expect(hindranceOf({ ...state, handover: wanting })).toContain("swap abc");
});
