import { writeFile } from "node:fs/promises";
import { beforeEach, describe, expect, test } from "vitest";

import type { Scratch } from "../unit/cli-fixtures.ts";
import { failover, openStage, type StageAgent } from "./control-fixtures.ts";

let place: Scratch;
let socket: string;
let agent: StageAgent;

beforeEach(async () => {
  ({ place, socket, agent } = await openStage());
});

const at = (when: string, ...args: readonly string[]) =>
  failover("promote", "backup", "--at", when, "--socket", socket, ...args);

describe("failover promote --at", () => {
  test("hands the hour to the agent, orders nothing, and says how to call it off", async () => {
    const before = Date.now();
    const { status, stdout } = await at("+2h");
    const [swap] = agent.wanted;
    expect(swap).toMatchObject({ node: "backup" });
    expect((swap?.at ?? 0) - before - 7_200_000).toBeLessThan(60_000);
    expect(stdout).toMatch(/^Waits: backup at .+, in 1 h 59 min \([0-9a-f]{12}\)\n/);
    expect(stdout).toContain(`failover waiting --call-off ${swap?.id} calls it off\n`);
    expect([status, agent.orders]).toEqual([0, []]);
  });

  test("is said as data", async () => {
    const { stdout } = await at("+2h", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ outcome: "waiting", node: "backup", kept: true });
  });

  test.each([
    [["27:00"], 'Cannot let a swap to backup wait for "27:00": it is no hour such as 03:40'],
    [["2020-01-01T00:00"], "it has passed"],
    [["+2h", "--within", "1h"], "Cannot use --within: it belongs to --at quiet"],
    [["+2h", "--share", "5%"], "a swap that waits goes as configured"],
    [["+2h", "--cut"], "a swap that waits goes as configured"],
    [["+2h", "--drain", "wait"], "a swap that waits goes as configured"],
  ])("%j is a mistake, exit 2", async ([when = "", ...args], words) => {
    const { status, stderr } = await at(when, ...args);
    expect(stderr).toContain(words);
    expect([status, agent.wanted]).toEqual([2, []]);
  });

  test("that the agent refuses exits with 3 and its words", async () => {
    agent.refusal = "Cannot let a swap to backup wait: 16 of them wait already";
    const { status, stderr } = await at("+2h");
    expect(stderr).toBe(`failover: ${agent.refusal}\n`);
    expect(status).toBe(3);
  });

  describe("quiet", () => {
    const lines = (hours: number, quiet: number): string =>
      Array.from({ length: hours * 60 }, (_, minute) => {
        const instant = Date.now() - (hours * 60 - minute) * 60_000;
        const age = new Date(instant).getUTCHours() === quiet ? [] : [instant / 1000];
        return age.map((seconds) => `${seconds.toFixed(3)} 200 "-"\n`).join("");
      }).join("");

    /** A machine whose path is the loopback address. */
    const configured = async (log: string): Promise<readonly string[]> => {
      await writeFile(place.path("access.log"), log);
      await writeFile(
        place.path("f.yaml"),
        `pair: www
address: 203.0.113.10
key: /k
logFormat: '$msec $status "$request"'
nodes:
  primary: { interface: lo, paths: [127.0.0.1], accessLog: ${place.path("access.log")} }
  backup: { interface: lo, paths: [192.0.2.1] }
`,
      );
      return ["--config", place.path("f.yaml")];
    };

    test("finds the hour in the logs of this machine", async () => {
      const quiet = (new Date().getUTCHours() + 5) % 24;
      const where = await configured(lines(9 * 24, quiet));
      const { status, stdout } = await at("quiet", ...where, "--within", "1d");
      const [swap] = agent.wanted;
      expect(new Date(swap?.at ?? 0).getUTCHours()).toBe(quiet);
      expect((swap?.at ?? 0) - Date.now()).toBeLessThan(86_400_000);
      expect(stdout).toMatch(/^Quietest: \w+day \d\d:\d\d-\d\d:\d\d, hardly a request\nWaits: /);
      expect(status).toBe(0);
    });

    test("is refused where the logs cover none of the hours asked for", async () => {
      const where = await configured("");
      const { status, stderr } = await at("quiet", ...where);
      expect(stderr).toContain("Cannot tell the quietest hour: the access_logs of primary cover");
      expect([status, agent.wanted]).toEqual([3, []]);
    });
  });
});

describe("failover waiting", () => {
  test("lists what waits, or says that nothing does", async () => {
    const none = await failover("waiting", "--socket", socket);
    expect(none).toEqual({ status: 0, stdout: "No swap waits here\n", stderr: "" });
    agent.wanted.push({ id: "0123456789ab", node: "backup", at: Date.now() + 3_630_000 });
    const one = await failover("waiting", "--socket", socket);
    expect(one.stdout).toMatch(/^backup at .+, in 1 h 0 min \(0123456789ab\)\n$/);
    const data = await failover("waiting", "--socket", socket, "--json");
    expect(JSON.parse(data.stdout)).toMatchObject({ waiting: [{ id: "0123456789ab" }] });
  });

  test("calls one off", async () => {
    agent.wanted.push({ id: "0123456789ab", node: "backup", at: Date.now() + 60_000 });
    const done = await failover("waiting", "--call-off", "0123456789ab", "--socket", socket);
    expect(done.stdout).toBe("Called off: 0123456789ab\nNo swap waits here\n");
    expect([done.status, agent.wanted]).toEqual([0, []]);
    const odd = await failover("waiting", "--call-off", "x", "--socket", socket);
    expect(odd.stderr).toContain("its id is none");
    expect(odd.status).toBe(3);
  });
});
