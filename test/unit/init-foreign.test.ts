import { readdirSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { Failure } from "../../src/cli/failure.ts";
import { fromHeartbeat } from "../../src/cli/init/heartbeat.ts";
import { fromKeepalived } from "../../src/cli/init/keepalived.ts";
import { readForeign } from "../../src/cli/init/read-foreign.ts";
import { remarkSentence } from "../../src/cli/init/remarks.ts";
import type { Sketch } from "../../src/cli/init/sketch.ts";
import type { Surroundings } from "../../src/cli/init/surroundings.ts";
import { scratch } from "./cli-fixtures.ts";
import { nowhere, problemsOf, textOf } from "./init-fixtures.ts";

/*
 * Configurations of our own, each for what the packages' own samples (init-documented.test.ts) do not
 * have. Beside each stands what becomes of it; `npx vitest run --project pure
 * test/unit/init-foreign.test.ts -u` writes it anew, to be read in review.
 */
const samples = join(import.meta.dirname, "samples");
const names = readdirSync(samples, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test("there are at least ten samples, of both", () => {
  expect(names.filter((name) => name.startsWith("heartbeat")).length).toBeGreaterThanOrEqual(5);
  expect(names.filter((name) => name.startsWith("keepalived")).length).toBeGreaterThanOrEqual(5);
});

test.each(names)("%s becomes a valid configuration", async (name) => {
  const text = textOf(readForeign(join(samples, name), nowhere, undefined));
  expect(problemsOf(text)).toEqual([]);
  await expect(text.replaceAll(`${samples}/`, "")).toMatchFileSnapshot(`samples/${name}.yaml`);
});

describe("what this machine knows of itself", () => {
  const alpha: Surroundings = {
    hostname: "alpha",
    local: [
      { interface: "eth0", address: "10.20.30.40", prefixLength: 32 },
      { interface: "eth0", address: "10.20.30.1", prefixLength: 24 },
    ],
  };

  test("a medium without addresses has one end known, which is no path yet", () => {
    const { nodes, addresses } = readForeign(join(samples, "heartbeat-simple"), alpha, undefined);
    expect(addresses).toEqual([{ value: "10.20.30.40", origin: "haresources:2" }]);
    expect(nodes[0]).toMatchObject({
      name: { value: "alpha" },
      here: true,
      interface: { value: "eth0", origin: "this machine's network" },
      paths: [],
      hints: ["ha.cf:3 says bcast eth0; one machine probably has 10.20.30.1 on eth0"],
    });
  });

  test("of two ucast addresses the one that is ours belongs to this node", () => {
    const second: Surroundings = {
      hostname: "web2",
      local: [{ interface: "eth0", address: "10.20.30.1", prefixLength: 24 }],
    };
    const { nodes } = readForeign(join(samples, "heartbeat-unicast"), second, undefined);
    expect(nodes.map(({ name, here }) => [name?.value, here])).toEqual([
      ["web2.example.org", true],
      ["web1.example.org", false],
    ]);
    expect(nodes[0].paths[0]?.value).toBe("10.20.30.1");
    expect(nodes[1].paths[0]?.value).toBe("10.20.30.2");
  });

  test("a file without its own address takes ours on the interface", () => {
    const here: Surroundings = {
      hostname: "x",
      local: [{ interface: "eth0", address: "10.9.8.7", prefixLength: 24 }],
    };
    const text = `vrrp_instance A {
      interface eth0
      unicast_peer { 10.9.8.6 }
      virtual_ipaddress { 10.9.8.1 }
    }`;
    const { nodes } = fromKeepalived({ file: "k", text }, () => [], here, undefined);
    expect(nodes.map(({ paths }) => paths[0]?.value)).toEqual(["10.9.8.7", "10.9.8.6"]);
  });
});

test("an address of the pair is no witness", () => {
  const { settings, remarks } = fromHeartbeat(
    {
      haCf: { file: "ha.cf", text: "ping 10.0.0.9 10.0.0.254" },
      haresources: { file: "haresources", text: "a 10.0.0.9" },
      authkeys: undefined,
    },
    nowhere,
    undefined,
  );
  expect(settings.witness?.map(({ value }) => value)).toEqual(["10.0.0.254"]);
  expect(remarks.map(remarkSentence)).toEqual([
    "ha.cf:1: not carried over: ping 10.0.0.9, because it is an address of the pair itself",
  ]);
});

test("a line for all machines but one tells the other machine", () => {
  const { nodes } = keepalived(`vrrp_instance A {
    interface eth0
    @main priority 50
    @^main priority 150
    @main unicast_src_ip 10.0.0.1
    @^main unicast_src_ip 10.0.0.2
    virtual_ipaddress { 10.0.0.9 }
  }`);
  expect(nodes.map(({ name, paths }) => [name?.value, paths[0]?.value])).toEqual([
    [undefined, "10.0.0.2"],
    ["main", "10.0.0.1"],
  ]);
});

test.each([
  ["mcast eth0 225.0.0.1 695 1 0", "695", []],
  ["mcast6 eth0 ff12::1:2:3:4 695 1 0", "695", []],
  ["udpport 695\nmcast eth0 225.0.0.1 695 1 0", "695", []],
  [
    "mcast eth0 225.0.0.1 695 1 0\nudpport 700",
    "700",
    ["mcast eth0 225.0.0.1 695 1 0, because a pair has one port; it is 700"],
  ],
])("%j is port %s", (text, port, left) => {
  const haCf = { file: "ha.cf", text };
  const files = { haCf, haresources: undefined, authkeys: undefined };
  const { settings, remarks } = fromHeartbeat(files, nowhere, undefined);
  expect(settings.port?.value).toBe(port);
  expect(remarks.map(remarkSentence)).toEqual(
    left.map((one) => `ha.cf:1: not carried over: ${one}`),
  );
});

test("no secret of a foreign file is repeated", () => {
  for (const name of names)
    expect(textOf(readForeign(join(samples, name), nowhere, undefined))).not.toMatch(
      /secret|word!/,
    );
});

test("the line of the other node, or another vrrp_instance, can be asked for", () => {
  const other = readForeign(join(samples, "heartbeat-serial"), nowhere, "store2");
  expect(other.addresses.map(({ value }) => value)).toEqual(["10.1.1.72"]);
  expect(other.nodes[0].name?.value).toBe("store2");
  const inside = readForeign(join(samples, "keepalived-groups"), nowhere, "inside");
  expect(inside.addresses.map(({ value }) => value)).toEqual(["10.60.0.1"]);
  expect(() => readForeign(join(samples, "keepalived-groups"), nowhere, "x")).toThrow(
    "it has no vrrp_instance x; there are outside, outside_more, inside, returned",
  );
});

const keepalived = (text: string): Sketch =>
  fromKeepalived({ file: "/etc/k.conf", text }, () => [], nowhere, undefined);

test.each([
  ["vrrp_instance A {\n", "Cannot read /etc/k.conf:1: the block vrrp_instance is not closed"],
  ["\n}\n", "Cannot read /etc/k.conf:2: a } closes nothing"],
  ["{\n", "Cannot read /etc/k.conf:1: a { opens a block without a name"],
  ['a "b\n', 'Cannot read /etc/k.conf:1: the quote " is not closed'],
  ["$A=$B x\n$B=$A y\nb $A\n", "Cannot read /etc/k.conf:3: its parameters stand for each other"],
  ["global_defs {\n}\n", "Cannot convert /etc/k.conf:1: it has no vrrp_instance"],
  [`${"a {\n".repeat(20)}`, "Cannot read /etc/k.conf:17: its blocks are nested too deep"],
])("keepalived's %j is refused with its line", (text, sentence) => {
  expect(() => keepalived(text)).toThrow(sentence);
});

describe("a file that includes others", () => {
  const instance = "vrrp_instance a {\ninterface eth0\nvirtual_ipaddress {\n192.0.2.10\n}\n}\n";

  test("has what they say, whatever else is in their directory", async () => {
    await using place = await scratch();
    await mkdir(place.path("conf.d/old"), { recursive: true });
    await writeFile(place.path("conf.d/a.conf"), instance);
    await writeFile(place.path("keepalived.conf"), "include conf.d/*\n");
    const sketch = readForeign(place.path("keepalived.conf"), nowhere, undefined);
    expect(sketch.addresses).toMatchObject([{ value: "192.0.2.10" }]);
  });

  test("on one machine alone has them there", () => {
    const source = { file: "/etc/k.conf", text: "@one include a\n@^one include b\n" };
    const files: Record<string, string> = { a: instance, b: instance.replace(".10", ".11") };
    const asked: string[] = [];
    const included = (pattern: string) => {
      asked.push(pattern);
      return [{ file: `/etc/${pattern}`, text: files[pattern] ?? "" }];
    };
    const here = { hostname: "one", local: [] };
    expect(fromKeepalived(source, included, here, undefined).addresses).toMatchObject([
      { value: "192.0.2.10", origin: "a:4" },
    ]);
    expect(new Set(asked)).toEqual(new Set(["a", "b"]));
  });
});

test("files that include each other are refused", () => {
  const endless = { file: "/etc/k.conf", text: "include /etc/k.conf\n" };
  expect(() => fromKeepalived(endless, () => [endless], nowhere, undefined)).toThrow(
    "Cannot read /etc/k.conf:1: the files include each other without an end",
  );
});

test("a remark is a whole sentence with file and line", () => {
  const { remarks } = fromHeartbeat(
    {
      haCf: { file: "/etc/ha.d/ha.cf", text: "\nauto_failback on\n" },
      haresources: undefined,
      authkeys: undefined,
    },
    nowhere,
    undefined,
  );
  expect(remarks.map(remarkSentence)).toEqual([
    "/etc/ha.d/ha.cf:2: not carried over: auto_failback on, because a machine that comes back " +
      "never takes the address by itself; failover promote moves it when you want it",
  ]);
});

/** Words that mean something, and characters that the grammars stumble over. */
const heartbeatWords = [
  ..."node ucast bcast mcast ping ping_group keepalive deadtime initdead udpport crm".split(" "),
  ..."eth0 eth1 a b a.b.c 10.0.0.1 10.0.0.2 2001:db8::1 IPaddr::10.0.0.9/24/eth1 5 5ms 0".split(
    " ",
  ),
  ..."IPv6addr::::1 192.0.2.1 198.51.100.1 # \\ \n \t :: % & ' \" é - /".split(" "),
];
const keepalivedWords = [
  ..."vrrp_instance interface state MASTER BACKUP priority advert_int unicast_peer".split(" "),
  ..."unicast_src_ip virtual_ipaddress track_interface nopreempt include global_defs".split(" "),
  ..."{ } } { \n \n @a @^a @b $X=1 $X ! # \" ' \\ 10.0.0.1 10.0.0.2 10.0.0.3/8 dev".split(" "),
  ..."eth0 eth1 5 0.1 -1 ::1 2001:db8::2 VI_1 é \u2028".split(" "),
];

const soup = (words: readonly string[]) =>
  fc
    .array(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...words) }, fc.string()), {
      maxLength: 60,
    })
    .map((parts) => parts.join(" ").replaceAll(" \n ", "\n"));

const machine: Surroundings = {
  hostname: "a",
  local: [
    { interface: "eth0", address: "10.0.0.2", prefixLength: 24 },
    { interface: "eth1", address: "2001:db8::1", prefixLength: 64 },
  ],
};

/** Whatever the text, the answer is a configuration that an agent would read, or one sentence. */
function converts(make: () => Sketch): void {
  let sketch: Sketch;
  try {
    sketch = make();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    expect(error.message).toMatch(/^Cannot (read|convert) [^:\n]+:\d+: [^\n]+$/);
    return;
  }
  expect(problemsOf(textOf(sketch))).toEqual([]);
  for (const remark of sketch.remarks)
    expect(remarkSentence(remark)).toMatch(/^[^:\n]+:\d+: not carried over: [^\n]+, because /);
}

test("any text as heartbeat's files becomes a valid configuration", () => {
  fc.assert(
    fc.property(soup(heartbeatWords), soup(heartbeatWords), (cf, resources) => {
      converts(() =>
        fromHeartbeat(
          {
            haCf: { file: "ha.cf", text: cf },
            haresources: { file: "haresources", text: resources },
            authkeys: undefined,
          },
          machine,
          undefined,
        ),
      );
    }),
    { numRuns: 400 },
  );
});

test("any text as keepalived's file becomes a valid configuration, or a sentence", () => {
  const blocks = fc
    .tuple(soup(keepalivedWords), soup(keepalivedWords))
    .map(([before, inside]) => `${before}\nvrrp_instance V {\n${inside}\n}\n`);
  fc.assert(
    fc.property(fc.oneof(blocks, soup(keepalivedWords), fc.string()), (text) => {
      converts(() =>
        fromKeepalived(
          { file: "k", text },
          (pattern) => (pattern === "x" ? [{ file: "x", text: "interface eth1" }] : []),
          machine,
          undefined,
        ),
      );
    }),
    { numRuns: 800 },
  );
});
