import { readdirSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

import { Failure } from "../../src/cli/failure.ts";
import { asked } from "../../src/cli/init/ask.ts";
import { type Findings, withFindings } from "../../src/cli/init/complete.ts";
import { withFlags } from "../../src/cli/init/flags.ts";
import { settled } from "../../src/cli/init/settle.ts";
import { emptySketch, type Sketch } from "../../src/cli/init/sketch.ts";
import { yamlText } from "../../src/cli/init/yaml-text.ts";
import { scratch } from "./cli-fixtures.ts";
import { failover } from "./init-fixtures.ts";

const samples = join(import.meta.dirname, "samples");

const twoNodes = (
  "--address 203.0.113.10 --address 2001:db8::10 --domain www.example.org --pair shop " +
  "--node one=eth0,203.0.113.11,192.168.250.1 --node two=eth1,203.0.113.12,192.168.250.2 " +
  "--access-log /var/log/web.log"
).split(" ");

test("init names the file whose directory cannot be made", async () => {
  await using place = await scratch();
  await writeFile(place.path("file"), "");
  const key = place.path("file/keys/key");
  const files = ["--out", place.path("failover.yaml"), "--key", key];
  const { status, stderr } = await failover("init", "--yes", ...twoNodes, ...files);
  expect(stderr).toContain(
    `Cannot make the directory of ${key}: a part of the path is no directory`,
  );
  expect(status).toBe(2);
});

test("init by flags writes a configuration that check accepts, and a key", async () => {
  await using place = await scratch();
  const files = ["--out", place.path("etc/failover.yaml"), "--key", place.path("etc/key")];
  const { status, stdout } = await failover("init", "--yes", ...twoNodes, ...files);
  expect(status).toBe(0);
  const relative = place.directory.slice(1);
  expect(stdout).toContain(
    `  tar -C / -c ${relative}/etc/failover.yaml ${relative}/etc/key | ssh root@203.0.113.12 tar -C / -xp`,
  );
  expect(stdout).toContain("systemctl enable --now failover");
  expect((await stat(place.path("etc/failover.yaml"))).mode & 0o777).toBe(0o644);
  expect((await stat(place.path("etc/key"))).mode & 0o777).toBe(0o600);
  const checked = await failover(
    "check",
    "--config-only",
    "--config",
    place.path("etc/failover.yaml"),
  );
  expect(checked.stdout).toContain("pair shop, nodes one and two, digest ");
  expect(checked.status).toBe(0);
  expect(readdirSync(place.path("etc"))).toEqual(["failover.yaml", "key"]);
});

test("init overwrites nothing without --force, and a key never", async () => {
  await using place = await scratch();
  await writeFile(place.path("failover.yaml"), "mine");
  const files = ["--out", place.path("failover.yaml"), "--key", place.path("key")];
  const refused = await failover("init", "--yes", ...twoNodes, ...files);
  expect(refused.stderr).toContain(
    `${place.path("failover.yaml")}: it exists; --force replaces it`,
  );
  expect(refused.status).toBe(2);
  expect(readdirSync(place.directory)).toEqual(["failover.yaml"]);
  await writeFile(place.path("key"), "00".repeat(32), { mode: 0o600 });
  const forced = await failover("init", "--yes", "--force", ...twoNodes, ...files);
  expect(forced.stdout).toContain(`The key that was there already is kept: ${place.path("key")}`);
  expect(forced.status).toBe(0);
  expect(await readFile(place.path("key"), "utf8")).toBe("00".repeat(32));
  expect(await readFile(place.path("failover.yaml"), "utf8")).toContain("pair: shop");
});

test.each([
  [[], "Cannot set up a pair without --address ADDRESS, which will move and --node"],
  [
    ["--address", "203.0.113.10", "--node", "backup=eth0,203.0.113.12,198.51.100.12"],
    "Cannot set up a pair without --node NAME=INTERFACE,ADDRESS,ADDRESS for this machine",
  ],
  [["--address", "10.0.0.0.1"], 'Cannot use --address "10.0.0.0.1": allowed is the IPv4 or IPv6'],
  [["--node", "one"], 'Cannot use --node "one": allowed is NAME=INTERFACE,ADDRESS'],
  [["--node", "a=eth0,1.2.3.4", "--node", "b=e/0,1.2.3.5"], 'Cannot use --node "e/0"'],
  [[...twoNodes, "--node", "three=eth0,203.0.113.13"], "Cannot use --node three times"],
  [[...twoNodes, "--address", "203.0.113.12"], "allowed is another than address[2]"],
  [["--from", "/nonexistent"], "Cannot read /nonexistent: there is no such file"],
])("init %j is a mistake and exits with 2", async (args, words) => {
  const { status, stderr } = await failover("init", "--yes", "--out", "-", ...args);
  expect(stderr).toContain(words);
  expect(status).toBe(2);
});

const names = readdirSync(samples, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test.each(names)("init --from %s passes check --config-only", async (name) => {
  await using place = await scratch();
  const files = ["--out", place.path("failover.yaml"), "--key", place.path("key")];
  const instance = name === "keepalived-groups" ? ["--instance", "outside"] : [];
  const from = ["--from", join(samples, name), ...instance];
  const { status, stdout } = await failover("init", "--yes", ...from, ...files);
  expect(stdout).toMatch(new RegExp(`${name}/\\S+:\\d+: not carried over: [^\\n]+, because `));
  expect(status).toBe(0);
  const checked = await failover("check", "--config-only", "--config", place.path("failover.yaml"));
  expect(checked.status).toBe(0);
});

test("a group that would be torn is not converted while nobody looks", async () => {
  const from = ["--from", join(samples, "keepalived-groups"), "--out", "-"];
  const unread = await failover("init", "--yes", ...from);
  expect(unread.stderr).toContain(
    "Cannot convert this with --yes alone; say with --instance which one is meant:\n  ",
  );
  expect(unread.stderr).toContain(
    "keepalived.conf:1: not carried over: vrrp_sync_group BOTH_SIDES, because inside would no longer " +
      "move together with outside; a second pair moves by itself, so see that each can do without the other",
  );
  expect(unread.status).toBe(2);
  const read = await failover("init", "--yes", "--instance", "inside", ...from);
  expect(read.stdout).toContain("outside would no longer move together with inside");
  expect(read.status).toBe(0);
});

describe("what a person is asked", () => {
  const findings: Findings = {
    surroundings: {
      hostname: "web1",
      local: [
        { interface: "ens3", address: "203.0.113.11", prefixLength: 24 },
        { interface: "ens4", address: "192.168.250.1", prefixLength: 30 },
      ],
    },
    web: {
      accessLogs: [{ value: "/var/log/caddy/access.log", origin: "" }],
      logFormat: { value: "json", origin: "as caddy writes" },
      canary: { value: "{ scheme: https }", origin: "caddy is at port 443" },
    },
  };

  async function interview(sketch: Sketch, ...answers: readonly string[]) {
    const questions: string[] = [];
    const said: string[] = [];
    const left = [...answers];
    const terminal = {
      question: (text: string) => {
        questions.push(text);
        const answer = left.shift();
        return answer === undefined
          ? Promise.reject(new Error(`Nobody answers ${text}`))
          : Promise.resolve(answer);
      },
    };
    const told = await asked(sketch, findings, terminal, (line) => said.push(line));
    expect(left).toEqual([]);
    return { questions, said, text: yamlText(settled(withFindings(told, findings), []), "/k") };
  }

  test("Enter takes what was found; what is wrong is asked for again", async () => {
    const answers = ["203.0.113", "203.0.113.10", "", "", "203.0.113.11 192.168.250.1"];
    const others = ["", "", "203.0.113.12, 192.168.250.2", "", "www.example.org", ""];
    const { questions, said, text } = await interview(emptySketch, ...answers, ...others);
    expect(questions).toEqual([
      "The address of the service, which will move: ",
      "The address of the service, which will move: ",
      "A name for this machine [primary]: ",
      "The interface of this machine for the service [ens3]: ",
      "The own address of this machine on ens3; after a blank one on a second network [203.0.113.11]: ",
      "A name for the other machine [backup]: ",
      "The interface of the other machine for the service [ens3]: ",
      "The own address of the other machine on ens3; after a blank one on a second network: ",
      "The web server's access_log [/var/log/caddy/access.log]: ",
      "The name users type (Enter: none): ",
      "A name for the pair [www]: ",
    ]);
    expect(said).toEqual([
      "  allowed is the IPv4 or IPv6 address of one machine, without prefix length or zone",
    ]);
    expect(text).toBe(`# Written by failover init.
# The same file belongs on both machines; failover(8) explains every key.
pair: www
address:
  - 203.0.113.10
domain: www.example.org
key: /k
# The first takes a vacant address when both could; neither takes it back by itself.
nodes:
  primary:
    interface: ens3
    paths:
      - 203.0.113.11
      - 192.168.250.1
    accessLog:
      - /var/log/caddy/access.log
  backup:
    interface: ens3
    paths:
      - 203.0.113.12
      - 192.168.250.2
    accessLog:
      - /var/log/caddy/access.log
logFormat: json # as caddy writes
canary: { scheme: https } # caddy is at port 443
`);
  });

  test("nothing is asked twice that was typed, or that a foreign file tells", async () => {
    const flags = {
      address: ["203.0.113.10"],
      node: ["backup=ens3,203.0.113.12"],
      accessLog: ["/l"],
    };
    const typed = withFlags({ ...emptySketch, source: "from k" }, flags, findings.surroundings);
    const { questions } = await interview(typed, "", "");
    expect(questions).toEqual([
      "The interface of this machine for the service [ens3]: ",
      "The own address of this machine on ens3; after a blank one on a second network [203.0.113.11]: ",
    ]);
  });
});

describe("one --node", () => {
  const surroundings = {
    hostname: "x",
    local: [{ interface: "eth0", address: "203.0.113.11", prefixLength: 24 }],
  };
  const flags = (node: string) => ({ address: [], node: [node], accessLog: [] });
  const shape = ({ nodes }: Sketch) => nodes.map(({ name, here }) => [name?.value, here]);

  test.each([
    [
      "backup=eth0,203.0.113.12",
      [
        [undefined, true],
        ["backup", false],
      ],
    ],
    [
      "other=eth0,203.0.113.12",
      [
        [undefined, true],
        ["other", false],
      ],
    ],
    [
      "primary=eth0,203.0.113.12",
      [
        ["primary", false],
        [undefined, true],
      ],
    ],
    [
      "other=eth0,203.0.113.11",
      [
        ["other", true],
        [undefined, false],
      ],
    ],
  ])("%s is placed by its name and address", (node, expected) => {
    expect(shape(withFlags(emptySketch, flags(node), surroundings))).toEqual(expected);
  });

  test("of a converted pair is no path while the other end is not known", () => {
    const converted = { ...emptySketch, source: "from k" };
    const half = withFlags(converted, flags("backup=eth0,203.0.113.12"), surroundings);
    const { nodes } = settled(half, []);
    expect(nodes.map(({ paths }) => paths.map(({ value }) => value))).toEqual([
      ["192.0.2.2"],
      ["192.0.2.3"],
    ]);
    expect(nodes[1].paths[0]?.mark).toBe(
      "backup's own address is not known (probably 203.0.113.12)",
    );
  });

  test("of a converted pair has to be one of its nodes", () => {
    const converted = { ...emptySketch, source: "from k" };
    expect(() => withFlags(converted, flags("x=eth0,203.0.113.12"), surroundings)).toThrow(Failure);
  });
});
