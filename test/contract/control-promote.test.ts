import { writeFile } from "node:fs/promises";
import { beforeEach, describe, expect, test, vi } from "vitest";

import type { HandoverEnd, HandoverStatus, Status } from "../../src/cli/status.ts";
import { aHandover, aStatus, type Scratch } from "../unit/cli-fixtures.ts";
import { failover, openStage, type StageAgent } from "./control-fixtures.ts";

let place: Scratch;
let socket: string;
let agent: StageAgent;

beforeEach(async () => {
  ({ place, socket, agent } = await openStage());
});

type Act = Partial<HandoverStatus> | Pick<HandoverEnd, "outcome" | "reason">;

const counts = (requests: number, errors: number) => ({ requests, errors, span: 1000 });

/** What the agent will say, one act after the other, once it is ordered to hand over. */
function stage(...acts: readonly Act[]): void {
  agent.onOrder = (order) => {
    if (order.kind !== "promote") throw new Error(`Nobody promoted: ${order.kind}`);
    const { id } = order;
    // Who ordered it looks a moment later, and is to see every act.
    const begun = setInterval(() => {
      if (agent.followers === 0) return;
      clearInterval(begun);
      for (const [index, act] of acts.entries()) play(act, id, index * 60);
    }, 5).unref();
  };
}

function play(act: Act, id: string, after: number): void {
  const changes: Partial<Status> =
    "outcome" in act
      ? { lastHandover: { ...aHandover({ id }), ...act, served: null, age: 0 } }
      : { handover: aHandover({ ...act, id }) };
  setTimeout(() => agent.say(changes), after);
}

const promote = (...args: readonly string[]) =>
  failover("promote", "backup", "--socket", socket, ...args);

/** Times vary. */
const untimed = (text: string): string[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/^ *[\d.]+ m?s {2}/, ""));

describe("failover promote", () => {
  test("into a pipe says one line a change, and exits with 0 when it is done", async () => {
    stage(
      { phase: "measuring" },
      { phase: "prepare", baseline: counts(412, 1) },
      { phase: "ready", baseline: counts(412, 1) },
      { phase: "released" },
      { phase: "verifying", served: counts(3, 0) },
      { phase: "verifying", served: counts(12, 0) },
      { outcome: "done", reason: "" },
    );
    const { status, stdout, stderr } = await promote();
    expect(untimed(stdout)).toEqual([
      "primary measures what it serves: going on",
      "primary measures what it serves: done, 412 requests, 1 error",
      "backup gets ready, unseen: going on",
      "backup gets ready, unseen: done",
      "primary lets the address go: going on",
      "primary lets the address go: done",
      "backup takes the address: going on",
      "backup takes the address: done",
      "backup serves: going on, 3 of 10 requests, 0 errors",
      "backup serves: going on, 12 requests, 0 errors",
      "backup serves: done, 12 requests, 0 errors",
      "Done: backup holds the address",
    ]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(agent.orders).toMatchObject([{ kind: "promote", node: "backup" }]);
  });

  test("exits with 3 and the reason when it is refused", async () => {
    stage(
      { phase: "prepare" },
      { outcome: "refused", reason: "backup cannot take over: no carrier" },
    );
    const { status, stdout } = await promote();
    expect(untimed(stdout).at(-1)).toBe(
      "Refused, nothing has moved: backup cannot take over: no carrier",
    );
    expect(status).toBe(3);
  });

  test("exits with 4 and the reason when it is rolled back", async () => {
    stage(
      { phase: "verifying", served: counts(4, 4) },
      { phase: "returning" },
      { outcome: "rolled-back", reason: "4 of 4 requests failed" },
    );
    const { status, stdout } = await promote();
    expect(untimed(stdout).slice(-3)).toEqual([
      "primary serves again: going on",
      "primary serves again: done",
      "Rolled back: primary serves as before: 4 of 4 requests failed",
    ]);
    expect(status).toBe(4);
  });

  test("exits with 0 when the time of the share that was asked for is over", async () => {
    stage(
      { phase: "proved", mode: "drain", share: 0.05, held: true, served: counts(12, 0) },
      { outcome: "rolled-back", reason: "its time is over" },
    );
    const { status, stdout } = await promote("--share", "5%", "--for", "90s");
    expect(untimed(stdout).slice(-2)).toEqual([
      "primary serves again: done",
      "Done: backup served 5 % of new connections for 1 min 30 s, its time is over, " +
        "and primary serves as before",
    ]);
    expect(status).toBe(0);
    expect(agent.orders).toMatchObject([{ hold: { share: 0.05, span: 90_000 } }]);
  });

  test("exits with 5 when the agent is lost in the middle", async () => {
    stage({ phase: "released" });
    const ended = promote();
    await vi.waitFor(() => expect(agent.orders).toHaveLength(1), { timeout: 20_000 });
    await agent[Symbol.asyncDispose]();
    const { status, stdout } = await ended;
    expect(stdout).toContain("Cannot tell the outcome of primary → backup: Cannot reach the agent");
    expect(status).toBe(5);
  });

  test("--json says one object a change, the last with the outcome", async () => {
    stage({ phase: "verifying", served: counts(3, 0) }, { outcome: "done", reason: "" });
    const { status, stdout } = await promote("--json");
    const said = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(said.at(-2)).toMatchObject({ from: "primary", to: "backup", reached: "done" });
    expect(said.at(-1)).toMatchObject({
      outcome: "done",
      sentence: "Done: backup holds the address",
    });
    expect(said.every(({ elapsed }) => typeof elapsed === "number")).toBe(true);
    expect(status).toBe(0);
  });

  test("of the holder says so, orders nothing, and exits with 0", async () => {
    const { status, stdout } = await failover("promote", "primary", "--socket", socket);
    expect(stdout).toBe("primary holds the address already\n");
    expect([status, agent.orders]).toEqual([0, []]);
  });

  test("of the holder calls a share back, in words or as data", async () => {
    agent.say({ handover: aHandover({ phase: "proved", mode: "drain", held: true }) });
    const words = await failover("promote", "primary", "--socket", socket);
    expect(words.stdout).toBe("Called back: new connections are served by primary again\n");
    const data = await failover("promote", "primary", "--socket", socket, "--json");
    expect(JSON.parse(data.stdout)).toMatchObject({ outcome: "done" });
    expect([words.status, data.status]).toEqual([0, 0]);
    expect(agent.orders).toEqual([{ kind: "recall" }, { kind: "recall" }]);
  });

  test("of a holder that hands over is no success, exit 3", async () => {
    agent.say({ handover: aHandover({ phase: "proved", mode: "drain" }) });
    const { status, stderr } = await failover("promote", "primary", "--socket", socket);
    expect(stderr).toContain("the handover primary → backup is not over yet");
    expect([status, agent.orders]).toEqual([3, []]);
  });

  test("of a stranger is a mistake, exit 2", async () => {
    const { status, stderr } = await failover("promote", "third", "--socket", socket);
    expect(stderr).toBe("failover: Cannot promote third: the nodes are primary and backup\n");
    expect([status, agent.orders]).toEqual([2, []]);
  });

  test("during another handover is refused, exit 3", async () => {
    agent.say({ handover: aHandover() });
    const { status, stderr } = await promote();
    expect(stderr).toContain("the handover primary → backup is not over yet");
    expect([status, agent.orders]).toEqual([3, []]);
  });

  test("typed a moment after another is refused, not waited for: exit 3", async () => {
    agent.onOrder = () => agent.say({ handover: aHandover({ id: "ffffffffffff" }) });
    const { status, stdout } = await promote();
    expect(untimed(stdout).at(-1)).toBe(
      "Refused, nothing has moved: the handover primary → backup (ffffffffffff) began first",
    );
    expect(status).toBe(3);
  });

  test("whose end was missed because another has begun has no known outcome: exit 5", async () => {
    agent.onOrder = (order) => {
      if (order.kind !== "promote") throw new Error(`Nobody promoted: ${order.kind}`);
      agent.say({ handover: aHandover({ id: order.id, phase: "draining", mode: "drain" }) });
      setTimeout(() => agent.say({ handover: aHandover({ id: "ffffffffffff" }) }), 300);
    };
    const { status, stdout } = await promote();
    expect(stdout).toContain("Cannot tell the outcome of primary → backup: another handover");
    expect(status).toBe(5);
  });

  test("that the agent itself refuses exits with 3 and its words", async () => {
    agent.refusal = "Cannot promote backup: swap 0123456789ab is under way";
    const { status, stderr } = await promote();
    expect(stderr).toBe(`failover: ${agent.refusal}\n`);
    expect(status).toBe(3);
  });

  test("--dry-run prints the commands, moves nothing, and tells what would refuse it", async () => {
    const file = place.path("failover.yaml");
    await writeFile(
      file,
      "pair: www\naddress: 203.0.113.10\nkey: /k\nnodes:\n" +
        "  primary: { interface: eth0, paths: [203.0.113.11] }\n" +
        "  backup: { interface: eth0, paths: [203.0.113.12] }\n",
    );
    const fine = await promote("--dry-run", "--config", file);
    expect(fine.stdout).toContain("    ip addr del 203.0.113.10/32 dev eth0\n");
    expect(fine.status).toBe(0);
    agent.say({ frozen: true });
    const frozen = await promote("--dry-run", "--config", file);
    expect(frozen.stdout).toContain("now it would be refused:\n    the pair is frozen");
    expect(frozen.status).toBe(3);
    expect(agent.orders).toEqual([]);
  });
});

describe("failover status", () => {
  test("--json is what the agent says", async () => {
    const { status, stdout } = await failover("status", "--json", "--socket", socket);
    expect(JSON.parse(stdout)).toEqual(aStatus());
    expect(status).toBe(0);
  });

  test("into a pipe has no colour", async () => {
    const { stdout } = await failover("status", "--socket", socket);
    expect(stdout).toContain("www on primary: holding for 4 min 2 s, epoch 7\n");
  });
});

test.each([["release"], ["freeze"], ["thaw"]])("failover %s gives that order", async (kind) => {
  const { status, stdout } = await failover(kind, "--socket", socket);
  expect(stdout).toMatch(/^Accepted: /);
  expect([status, agent.orders]).toEqual([0, [{ kind }]]);
});
