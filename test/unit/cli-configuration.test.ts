import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Configuration } from "../../src/cli/configuration/configuration.ts";
import { configurationDigest } from "../../src/cli/configuration/digest.ts";
import { nodeHere, policyFor } from "../../src/cli/configuration/node-here.ts";
import { parseConfiguration } from "../../src/cli/configuration/parse.ts";
import { problemSentence } from "../../src/cli/configuration/problem.ts";

const least = `pair: www
address: 203.0.113.10
key: /etc/failover/key
nodes:
  primary:
    interface: eth0
    paths: [203.0.113.11, 192.168.250.1]
  backup:
    interface: eth0
    paths: [203.0.113.12, 192.168.250.2]
`;

/** `least` with further lines, or with one of its lines replaced. */
const and = (...lines: string[]): string => `${least}${lines.join("\n")}\n`;
const but = (line: string, instead: string): string => {
  expect(least).toContain(line);
  return least.replace(line, instead);
};

function read(text: string): Configuration {
  const parsed = parseConfiguration(text);
  if (parsed.kind === "valid") return parsed.configuration;
  throw new Error(parsed.problems.map(problemSentence).join("\n"));
}

function problems(text: string): string[] {
  const parsed = parseConfiguration(text);
  return parsed.kind === "valid" ? [] : parsed.problems.map(problemSentence);
}

describe("a configuration file", () => {
  test("needs pair, address, key and nodes, and has defaults for the rest", () => {
    expect(read(least)).toEqual({
      pair: "www",
      addresses: [{ address: "203.0.113.10", interface: undefined }],
      routes: [],
      domain: undefined,
      key: "/etc/failover/key",
      nodes: [
        {
          name: "primary",
          interface: "eth0",
          paths: ["203.0.113.11", "192.168.250.1"],
          accessLogs: ["/var/log/nginx/access.log"],
        },
        {
          name: "backup",
          interface: "eth0",
          paths: ["203.0.113.12", "192.168.250.2"],
          accessLogs: ["/var/log/nginx/access.log"],
        },
      ],
      takeover: "address",
      port: 694,
      interval: 100,
      deadTime: 300,
      confirmTime: 100,
      lease: 2000,
      bootTime: 5000,
      witness: { kind: "auto" },
      announceRate: 500,
      logFormat: "auto",
      hooks: { drain: undefined },
      swap: {
        mode: "drain",
        steps: [1],
        minRequests: 10,
        maxErrorRate: 0.01,
        verifyTime: 30_000,
        drainTime: 60_000,
      },
      canary: { scheme: "http", port: 80, path: "/", expect: { from: 200, to: 399 } },
      drift: { paths: [], packages: [], ignore: [] },
      log: { level: "info", file: undefined },
    });
  });

  test("may leave the brackets of a list out wherever there is one element", () => {
    const { routes, swap } = read(and("routes: default via 203.0.113.1", "swap: { steps: 100% }"));
    expect({ routes, steps: swap.steps }).toEqual({
      routes: ["default via 203.0.113.1"],
      steps: [1],
    });
  });

  test("lists what should be alike on both machines, and refuses what is no name of it", () => {
    const { drift } = read(`${least}
drift: { paths: [/etc/nginx, /srv/www], packages: nginx, ignore: ["*.swp", /srv/www/cache/**] }
`);
    expect(drift).toEqual({
      paths: ["/etc/nginx", "/srv/www"],
      packages: ["nginx"],
      ignore: ["*.swp", "/srv/www/cache/**"],
    });
    const wrong = problems(`${least}
drift: { paths: [etc/nginx], packages: ["-rf"] }
`);
    expect(wrong).toEqual([
      expect.stringContaining('drift.paths[0]: found "etc/nginx"'),
      expect.stringContaining('drift.packages[0]: found "-rf"'),
    ]);
  });

  test("may say everything", () => {
    const configuration = read(`
pair: web-1
address: [203.0.113.10, { address: "2001:DB8:0::10", interface: eth1 }]
routes: [default via 203.0.113.1 src 203.0.113.10, 10.0.0.0/8 dev eth1]
domain: www.example.org
key: /etc/failover/key
nodes:
  1:
    interface: eth0
    paths: 203.0.113.11
    accessLog: [/var/log/a.log, /var/log/b.log]
  on: { interface: eth0, paths: [203.0.113.12], accessLog: /var/log/a.log }
takeover: link
port: 1000
interval: 20ms
deadTime: 26ms
confirmTime: 1.5s
lease: 1m
bootTime: 0s
witness: [203.0.113.1, 203.0.113.2]
announceRate: 20
logFormat: |
  log_format main '$remote_addr [$time_local] '
                  '"$request" $status';
swap:
  { mode: cut, steps: [5%, 50%, 100%], minRequests: 1,
    maxErrorRate: 0.5%, verifyTime: 5m, drainTime: 0s }
canary: { scheme: https, path: /health?x=1, expect: 204 }
log: { level: debug, file: /var/log/failover.log }
`);
    expect(configuration).toMatchObject({
      addresses: [
        { address: "203.0.113.10", interface: undefined },
        { address: "2001:db8::10", interface: "eth1" },
      ],
      routes: ["default via 203.0.113.1 src 203.0.113.10", "10.0.0.0/8 dev eth1"],
      nodes: [
        { name: "1", paths: ["203.0.113.11"], accessLogs: ["/var/log/a.log", "/var/log/b.log"] },
        { name: "on", paths: ["203.0.113.12"], accessLogs: ["/var/log/a.log"] },
      ],
      takeover: "link",
      deadTime: 26,
      confirmTime: 1500,
      lease: 60_000,
      witness: { kind: "addresses", addresses: ["203.0.113.1", "203.0.113.2"] },
      swap: { mode: "cut", steps: [0.05, 0.5, 1], maxErrorRate: 0.005, verifyTime: 300_000 },
      canary: { scheme: "https", port: 443, expect: { from: 204, to: 204 } },
      log: { level: "debug", file: "/var/log/failover.log" },
    });
  });

  test("has the defaults that the manual says", async () => {
    const manual = await readFile(new URL("../../docs/failover.yaml.5", import.meta.url), "utf8");
    const example = /^\.RS\n(pair: www\n.*?)^\.RE$/ms.exec(manual)?.[1] ?? "";
    const { addresses, domain, ...rest } = read(example);
    expect([addresses.length, domain]).toEqual([2, "www.example.org"]);
    expect(read(least)).toMatchObject(rest);
  });

  test("keeps the order of nodes that look like numbers", () => {
    const swapped = least.replace("  primary:", "  2:").replace("  backup:", "  1:");
    expect(read(swapped).nodes.map(({ name }) => name)).toEqual(["2", "1"]);
  });

  test("may be JSON", () => {
    expect(read(least)).toEqual(
      read(`{"pair":"www","address":["203.0.113.10"],"key":"/etc/failover/key","port":694,"nodes":{
        "primary":{"interface":"eth0","paths":["203.0.113.11","192.168.250.1"]},
        "backup":{"interface":"eth0","paths":["203.0.113.12","192.168.250.2"]}}}`),
    );
  });

  test.each([["auto"], ["none"]])("takes the word %s for the witness", (word) => {
    expect(read(and(`witness: ${word}`)).witness).toEqual({ kind: word });
  });
});

describe("a wrong configuration", () => {
  test("is told everything at once, each with its line", () => {
    const text = `pair: WWW
adress: 203.0.113.10
address:
  - 203.0.113.300
  - { address: 10.0.0.1 }
interval: 5
lease: 2500ms
lease: 3s
swap: yes
canary:
  pth: /
  expect: 399-200
nodes:
  primary:
    interface: eth0
    paths: [203.0.113.11, 192.168.250.1]
  bad name:
  backup:
    interfaces: eth0
`;
    expect(problems(text).map((sentence) => sentence.split(", allowed is")[0])).toEqual([
      'line 1: pair: found "WWW"',
      "line 1: key: found nothing",
      "line 2: adress: found an unknown key",
      'line 4: address[0]: found "203.0.113.300"',
      "line 5: address[1].interface: found nothing",
      'line 6: interval: found "5"',
      'line 7: lease: found "2500ms"',
      "line 8: lease: found a second one after line 7",
      'line 9: swap: found "yes"',
      "line 11: canary.pth: found an unknown key",
      'line 12: canary.expect: found "399-200"',
      "line 13: nodes: found 3 of them",
      'line 17: nodes.bad name: found "bad name"',
      "line 17: nodes.bad name: found nothing",
      "line 18: nodes.backup.interface: found nothing",
      "line 18: nodes.backup.paths: found nothing",
      "line 19: nodes.backup.interfaces: found an unknown key",
    ]);
  });

  const duration = (from: string, to: string) =>
    `allowed is a duration from ${from} to ${to}, such as 250ms, 2s or 5m`;
  const oneMachine =
    "allowed is the IPv4 or IPv6 address of one machine, without prefix length or zone";

  test.each([
    [and("interval: 9ms"), `interval: found "9ms", ${duration("10ms", "10s")}`],
    [and("interval: 11s"), `interval: found "11s", ${duration("10ms", "10s")}`],
    [and("interval: 100"), `interval: found "100", ${duration("10ms", "10s")}`],
    [and("confirmTime: 9.9ms"), `confirmTime: found "9.9ms", ${duration("10ms", "1m")}`],
    [and("lease: 1s"), 'lease: found "1s", allowed is whole seconds from 2s to 5m, such as 2s'],
    [and("lease: 2.5s"), 'lease: found "2.5s", allowed is whole seconds from 2s to 5m, such as 2s'],
    [
      and("deadTime: 129ms"),
      "deadTime: found 129ms, allowed is at least 130ms, which is 1.3 times the interval of 100ms",
    ],
    [
      and("takeover: link\nswap: { mode: drain }"),
      "swap.mode: found drain, allowed is cut, as takeover is link",
    ],
    [and("takeover: link2"), 'takeover: found "link2", allowed is one of address, link'],
    [and("port: 0"), 'port: found "0", allowed is a whole number from 1 to 65535'],
    [and("port: 694x"), 'port: found "694x", allowed is a whole number from 1 to 65535'],
    [
      and("swap: { maxErrorRate: 1 }"),
      'swap.maxErrorRate: found "1", allowed is a rate from 0% to 100%, such as 1% or 0.5%',
    ],
    [
      and("swap: { steps: [50%, 5%, 100%] }"),
      "swap.steps: found 50%, 5%, 100%, allowed is rates that rise and end with 100%",
    ],
    [
      and("swap: { steps: [0%, 100%] }"),
      "swap.steps: found 0%, 100%, allowed is rates that rise and end with 100%",
    ],
    [
      and("swap: { stpes: [5%] }"),
      "swap.stpes: found an unknown key, allowed is swap.steps (did you mean that?)",
    ],
    [
      and("colour: green"),
      "colour: found an unknown key, allowed is one of pair, address, routes, domain, key, " +
        "takeover, port, interval, deadTime, confirmTime, lease, bootTime, witness, " +
        "announceRate, logFormat, swap, hooks, canary, drift, log, nodes",
    ],
    [
      and("witness: 203.0.113"),
      `witness: found "203.0.113", allowed is auto, or none, or ${oneMachine.slice(11)}`,
    ],
    [and("witness: []"), "witness: found an empty list, allowed is 1 to 16 IP addresses"],
    [
      and("witness: [203.0.113.11]"),
      "witness[0]: found 203.0.113.11, " +
        "allowed is another than nodes.primary.paths[0], which has this one already",
    ],
    [
      and("domain: -x.org"),
      'domain: found "-x.org", allowed is a host name, such as www.example.org',
    ],
    [
      and('routes: ["default\\nvia 1.2.3.4"]'),
      'routes[0]: found "default\\nvia 1.2.3.4", ' +
        "allowed is a route in ip-route's notation, without proto, such as default via 203.0.113.1",
    ],
    [
      and("logFormat: combine"),
      'logFormat: found "combine", allowed is one of auto, common, combined, vhost, json, ' +
        "or a pattern with % or $ as in the web server",
    ],
    [
      and("logFormat: '%h %y \"%r\" %>s'"),
      'logFormat: found "%y" at character 4, allowed is a directive of Apache\'s LogFormat, ' +
        "such as %h, %>s or %{User-Agent}i, with %% for a percent sign",
    ],
    [
      and("logFormat: $remote_addr [$time_local]"),
      'logFormat: found "$remote_addr [$time_local]", ' +
        "allowed is a pattern with the status of every response, such as $status",
    ],
    [
      and("log: { level: verbose }"),
      'log.level: found "verbose", allowed is one of error, warning, info, debug',
    ],
    [
      and("witness: [203.0.113.1, *here]"),
      "witness[1]: found an alias, allowed is the value itself",
    ],
    [
      but("pair: www", `pair: ${"w".repeat(25)}`),
      `pair: found "${"w".repeat(25)}", allowed is 1 to 24 of a-z, 0-9 and -`,
    ],
    [
      but("address: 203.0.113.10", "address: []"),
      "address: found an empty list, allowed is 1 to 1024 IP addresses",
    ],
    [
      but("address: 203.0.113.10", "address: 203.0.113.10/24"),
      `address: found "203.0.113.10/24", ${oneMachine}`,
    ],
    [
      but("address: 203.0.113.10", "address: fe80::1%eth0"),
      `address: found "fe80::1%eth0", ${oneMachine}`,
    ],
    [
      but("address: 203.0.113.10", "address: 224.0.0.18"),
      `address: found "224.0.0.18", ${oneMachine}`,
    ],
    [but("address: 203.0.113.10", "address: ff02::1"), `address: found "ff02::1", ${oneMachine}`],
    [
      but("address: 203.0.113.10", "address: ::ffff:1.2.3.4"),
      `address: found "::ffff:1.2.3.4", ${oneMachine}`,
    ],
    [
      but("address: 203.0.113.10", "address: [2001:db8::1, 2001:DB8:0::1]"),
      "address[1]: found 2001:db8::1, " +
        "allowed is another than address[0], which has this one already",
    ],
    [
      but("address: 203.0.113.10", "address: 203.0.113.12"),
      "nodes.backup.paths[0]: found 203.0.113.12, " +
        "allowed is another than address[0], which has this one already",
    ],
    [
      but("address: 203.0.113.10", "address: [{ address: 10.0.0.1, interface: eth0, x: 1 }]"),
      "address[0].x: found an unknown key, allowed is address or interface",
    ],
    [
      but("key: /etc/failover/key", "key: failover/key"),
      'key: found "failover/key", ' +
        "allowed is the absolute path of a file, such as /var/log/nginx/access.log",
    ],
    [
      but("paths: [203.0.113.12, 192.168.250.2]", "paths: 203.0.113.12"),
      "nodes.backup.paths: found 1 of them, allowed is as many as nodes.primary has: 2",
    ],
    [
      but("paths: [203.0.113.12, 192.168.250.2]", "paths: [203.0.113.12, 2001:db8::2]"),
      "nodes.backup.paths[1]: found 2001:db8::2, " +
        "allowed is IPv4, as its counterpart 192.168.250.1 is",
    ],
    [
      but(
        "paths: [203.0.113.12, 192.168.250.2]",
        `paths: [${Array.from({ length: 9 }, (_, i) => `10.0.0.${i + 1}`).join(", ")}]`,
      ),
      "nodes.backup.paths: found 9 of them, allowed is 1 to 8 IP addresses",
    ],
    [
      but("    interface: eth0", "    interface: a-name-too-long-by-far"),
      'nodes.primary.interface: found "a-name-too-long-by-far", ' +
        "allowed is the name of a network interface, up to 15 characters",
    ],
    [
      but("  primary:", `  ${"p".repeat(33)}:`),
      `nodes.${"p".repeat(33)}: found "${"p".repeat(33)}", ` +
        "allowed is 1 to 32 of A-Z, a-z, 0-9, '.', _ and -",
    ],
    [
      but("  backup:", "  backup:\n    accessLog: [/a, /a]"),
      "nodes.backup.accessLog[1]: found /a, " +
        "allowed is another than nodes.backup.accessLog[0], which has this one already",
    ],
  ])("says what is wrong: %#", (text, sentence) => {
    expect(problems(text).map((one) => one.replace(/^line \d+: /, ""))).toEqual([sentence]);
  });

  test("has exactly two nodes", () => {
    const third = "  third: { interface: eth0, paths: [203.0.113.13, 192.168.250.3] }\n";
    expect(problems(least + third)).toEqual([
      "line 4: nodes: found 3 of them, allowed is exactly two nodes",
    ]);
  });

  test("is no second document, no list and not empty", () => {
    const mapping = "allowed is a mapping with the keys of failover.yaml(5)";
    expect(problems("")).toEqual([`line 1: found nothing, ${mapping}`]);
    expect(problems("- a")).toEqual([`line 1: found a list, ${mapping}`]);
    expect(problems("a: 1\n---\nb: 2")[0]).toContain("line 2: found broken YAML");
    expect(problems("[".repeat(100_000))).toHaveLength(1);
  });

  test("says nothing of missing keys where the YAML is broken", () => {
    expect(problems("pair: www\naddress: [1.2.3.4\nkey: /k\n")).toHaveLength(1);
  });

  test("never makes the reader throw, whatever the text", () => {
    const keys = "pair nodes swap address __proto__ constructor prototype *a &a << 100ms 1%";
    const signs = [": ", "- ", "\n", "  ", "{", "}", "[", "]", ",", "'", '"', "|", ">", "#", "? "];
    const words = fc.constantFrom(...keys.split(" "), ...signs, "!!", "%", "~", "\t", "\u0000");
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(words, { maxLength: 40 }).map((parts) => parts.join("")),
      fc.array(words, { maxLength: 12 }).map((parts) => and(parts.join(""))),
    );
    fc.assert(
      fc.property(text, (yaml) => {
        const parsed = parseConfiguration(yaml);
        expect(parsed.kind === "valid" || parsed.problems.length > 0).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the digest", () => {
  test("stays what it was, so that two versions of the program agree", () => {
    expect(configurationDigest(read(least))).toMatchInlineSnapshot(`"91e204a00f0d2656"`);
  });

  test("is not moved by comments, order, spelling, defaults written out, or logging", () => {
    const same = `# the same
log: { level: debug }
key: /etc/failover/key
interval: 0.1s
nodes: { primary: { paths: [203.0.113.11, 192.168.250.1], interface: eth0 },
         backup: { interface: eth0, paths: [203.0.113.12, 192.168.250.2] } }
address: ["203.0.113.10"]
pair: www
`;
    expect(configurationDigest(read(same))).toBe(configurationDigest(read(least)));
  });

  test.each([
    ["a value", and("interval: 101ms")],
    ["the order of addresses", but("203.0.113.10\n", "[203.0.113.10, 203.0.113.9]\n")],
    ["an access_log", but("  backup:", "  backup:\n    accessLog: /a")],
    ["a choice without a value", and("witness: none")],
    ["the names of nodes", but("  backup:", "  other:")],
  ])("is moved by %s", (_, text) => {
    expect(configurationDigest(read(text))).not.toBe(configurationDigest(read(least)));
  });

  test("is moved by the order of nodes", () => {
    const { nodes, ...rest } = read(least);
    const turned: Configuration = { ...rest, nodes: [nodes[1], nodes[0]] };
    expect(configurationDigest(turned)).not.toBe(configurationDigest(read(least)));
  });
});

describe("the node here", () => {
  test("is the one whose path is an address of this machine", () => {
    expect(nodeHere(read(least), ["127.0.0.1", "192.168.250.2"])).toBe("backup");
  });

  test("is unknown where no path is local", () => {
    expect(() => nodeHere(read(least), ["127.0.0.1"])).toThrow(
      "Cannot tell which node this machine is: no path of primary (203.0.113.11, 192.168.250.1) " +
        "or backup (203.0.113.12, 192.168.250.2) is an address of this machine; " +
        "correct the paths, or name it with --node",
    );
  });

  test("is unknown where both are local", () => {
    expect(() => nodeHere(read(least), ["203.0.113.11", "203.0.113.12"])).toThrow(
      "this machine has paths of both primary and backup",
    );
  });

  test("gives the core its policy, from either side", () => {
    const policy = policyFor(read(and("witness: none")), "backup", [true, false]);
    expect(policy).toEqual({
      node: "backup",
      peer: "primary",
      first: false,
      configuration: configurationDigest(read(and("witness: none"))),
      paths: [{ service: true }, { service: false }],
      witness: false,
      interval: 100,
      deadTime: 300,
      confirmTime: 100,
      lease: 2000,
      bootTime: 5000,
      swap: {
        mode: "drain",
        steps: [1],
        warmTime: 4000,
        drainTime: 60_000,
        minRequests: 10,
        maxErrorRate: 0.01,
        verifyTime: 30_000,
      },
    });
    expect(policyFor(read(least), "primary", [true])).toMatchObject({ first: true, witness: true });
    expect(() => policyFor(read(least), "third", [])).toThrow(
      "Cannot find the node third in the configuration: its nodes are primary and backup",
    );
  });
});
