import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

import { type Scratch, scratch } from "../unit/cli-fixtures.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

let place: Scratch;

beforeEach(async () => {
  place = await scratch();
  await writeFile(place.path("key"), "00".repeat(32), { mode: 0o600 });
  await writeFile(place.path("access.log"), "");
  await writeFile(
    place.path("failover.yaml"),
    `pair: www
address: 203.0.113.10
key: ${place.path("key")}
nodes:
  primary: { interface: eth0, paths: [203.0.113.11], accessLog: ${place.path("access.log")} }
  backup: { interface: eth0, paths: [203.0.113.12] }
`,
  );
});

afterEach(() => place[Symbol.asyncDispose]());

/** Types `failover ARGUMENTS` in a network namespace that `setup` has made from nothing. */
function failoverIn(setup: string, ...args: readonly string[]) {
  const where = ["--config", place.path("failover.yaml"), "--socket", place.path("run/www.sock")];
  const shell = ["sh", "-ec", `${setup}\nexec "$@"`, "sh"];
  const command = [process.execPath, "--import", "tsx", main, ...args, ...where];
  const { status, stdout, stderr } = spawnSync("unshare", ["-n", ...shell, ...command], {
    encoding: "utf8",
    env: { ...process.env, SERVICE_RESULT: undefined },
  });
  return { status, stderr, lines: stdout.split("\n").map((line) => line.replace(/ +/g, " ")) };
}

/** A wire with us at one end and, in the same namespace, something else at the other. */
const wire = `
ip link set lo up
ip link add eth0 address 02:00:00:00:00:01 type veth peer name other address 02:00:00:00:00:02
ip link set eth0 up
ip link set other up
ip addr add 203.0.113.11/24 dev eth0
`;

const check = (setup: string) => failoverIn(setup, "check", "--state-dir", place.path("state"));

test("a machine that is ready, apart from its agent, passes", () => {
  const { status, lines } = check(wire);
  expect(lines).toContain("ok node this machine is primary");
  expect(lines).toContain("ok interface eth0 is up, MAC 02:00:00:00:00:01");
  expect(lines).toContain("ok path 203.0.113.11 is on eth0");
  expect(lines).toContain("ok claim nobody else answers for the address");
  expect(lines).toContain("warning witness eth0 has no default gateway");
  expect(lines.filter((line) => line.startsWith("failed"))).toEqual([]);
  expect(status).toBe(0);
});

test("whoever answers for the address is named", () => {
  const { lines } = check(`${wire}ip addr add 203.0.113.10/32 dev other`);
  expect(lines).toContain("warning claim MAC 02:00:00:00:00:02 answers for the address");
});

test("an address that was configured for good is a fault", () => {
  const { status, lines } = check(`${wire}ip addr add 203.0.113.10/24 dev eth0`);
  expect(lines).toContain(
    "failed address 203.0.113.10/24 is on eth0 without a lease: " +
      "this machine would keep it for ever",
  );
  expect(status).toBe(3);
});

test("an interface that is down is a fault", () => {
  const { status, lines } = check(`${wire}ip link set eth0 down`);
  expect(lines).toContain("failed interface eth0 is down");
  expect(status).toBe(3);
});

test("a machine that is neither of the two is a fault", () => {
  const { status, lines } = check(`${wire}ip addr flush dev eth0`);
  expect(lines[1]).toMatch(/^failed node Cannot tell which node this machine is/);
  expect(status).toBe(3);
});

test("cleanup removes the leased address, says how, and does nothing the second time", () => {
  const leased = `${wire}ip addr add 203.0.113.10/32 dev eth0 valid_lft 60 preferred_lft 60`;
  const first = failoverIn(leased, "cleanup");
  expect(first.lines).toEqual(["ip addr del 203.0.113.10/32 dev eth0", ""]);
  expect(first.status).toBe(0);
  const second = failoverIn(wire, "cleanup");
  expect(second.lines).toEqual(["Nothing was left behind", ""]);
});

test("cleanup with a spoilt file removes what the journal remembers", async () => {
  await writeFile(place.path("failover.yaml"), "pair: www\naddress: 203.0.113.300\n");
  const entry = { epoch: 1, blind: false, holding: true, released: false };
  const journal = {
    entry: { ...entry, freeze: { on: false, stamp: 0 } },
    bootId: "b",
    pid: 1,
    addresses: ["203.0.113.10"],
  };
  await writeFile(place.path("journal.json"), JSON.stringify(journal), { mode: 0o600 });
  const left = `${wire}ip addr add 203.0.113.10/32 dev lo
nft add table arp failover_www`;
  const { lines, stderr, status } = failoverIn(left, "cleanup", "--state-dir", place.directory);
  expect(lines).toEqual([
    "ip addr del 203.0.113.10/32 dev lo",
    "nft delete table arp failover_www",
    "",
  ]);
  expect(stderr).toContain(`Instead the journal in ${place.directory} is believed`);
  expect(status).toBe(0);
});
