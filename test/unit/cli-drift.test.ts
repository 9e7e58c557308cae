import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { certificateFinding } from "../../src/cli/check/certificate-findings.ts";
import { driftFinding, howToCompare } from "../../src/cli/check/drift-findings.ts";
import { compareFingerprints, driftLines } from "../../src/cli/drift/compare.ts";
import {
  type Fact,
  type Fingerprint,
  readFingerprint,
  writeFingerprint,
} from "../../src/cli/drift/fingerprint.ts";
import { portFacts } from "../../src/cli/drift/gather.ts";
import { ignoring } from "../../src/cli/drift/ignored.ts";
import { fingerprintFrom, mustBeOfPeer } from "../../src/cli/drift/read.ts";
import { entriesMax, treeFacts } from "../../src/cli/drift/tree.ts";
import { plainPaint } from "../../src/cli/terminal.ts";
import { readListeners } from "../../src/linux/listeners.ts";
import { readDpkg, readRpm } from "../../src/linux/packages.ts";
import { configuration, scratch } from "./cli-fixtures.ts";

/** By `printf TEXT | sha256sum`. */
const sha256 = {
  "": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  abc: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
} as const;

describe("a tree of files", () => {
  test("is told by names, modes, contents and links, sorted, and nothing that is ignored", async () => {
    await using place = await scratch();
    const root = place.path("tree");
    await mkdir(`${root}/sub/cache`, { recursive: true });
    await writeFile(`${root}/sub/abc`, "abc");
    await writeFile(`${root}/sub/.abc.swp`, "x");
    await writeFile(`${root}/sub/cache/page`, "x");
    await writeFile(`${root}/empty`, "");
    await chmod(`${root}/empty`, 0o4755);
    await chmod(`${root}/sub/abc`, 0o640);
    await chmod(`${root}/sub`, 0o755);
    await chmod(root, 0o750);
    await symlink("../nowhere", `${root}/link`);
    const facts = await treeFacts(`${root}//`, ignoring(["*.swp", "**/cache"]));
    expect(facts.map(({ name, value }) => [name.replace(root, ""), value])).toEqual([
      ["", "0750 directory"],
      ["/empty", `4755 ${sha256[""]}`],
      ["/link", "→ ../nowhere"],
      ["/sub", "0755 directory"],
      ["/sub/abc", `0640 ${sha256.abc}`],
    ]);
  });

  test("that is listed by a symbolic link is looked at behind it", async () => {
    await using place = await scratch();
    await mkdir(place.path("releases"));
    await chmod(place.path("releases"), 0o755);
    await writeFile(place.path("releases/abc"), "abc", { mode: 0o644 });
    await symlink("releases", place.path("current"));
    await symlink("nowhere", place.path("broken"));
    const facts = [
      ...(await treeFacts(place.path("current"), ignoring([]))),
      ...(await treeFacts(place.path("current/abc"), ignoring([]))),
      ...(await treeFacts(place.path("broken"), ignoring([]))),
      ...(await treeFacts(place.path("none"), ignoring([]))),
    ];
    expect(facts.map(({ name, value }) => [name.replace(place.directory, ""), value])).toEqual([
      ["/current", "→ releases, 0755 directory"],
      ["/current/abc", `0644 ${sha256.abc}`],
      ["/current/abc", `0644 ${sha256.abc}`],
      ["/broken", "not there"],
      ["/none", "not there"],
    ]);
  });

  test("does not wait for a pipe, and says what is no file", async () => {
    const [fact] = await treeFacts("/dev/null", ignoring([]));
    expect(fact?.value).toMatch(/^0666 neither file nor directory$/);
  });

  test("beyond twenty thousand entries is told by one digest, which any change changes", async () => {
    await using place = await scratch();
    const root = place.path("tree");
    await mkdir(root);
    const names = Array.from({ length: entriesMax }, (_, index) => String(index));
    for (const name of names) await symlink("x", `${root}/${name}`);
    const before = await treeFacts(root, ignoring([]));
    await symlink("x", `${root}/another`);
    const after = await treeFacts(root, ignoring(["0"]));
    expect(before).toEqual([
      { kind: "file", name: root, value: expect.stringMatching(/^20001 entries, [0-9a-f]{64}$/) },
    ]);
    expect(after).toHaveLength(1);
    expect(after[0]?.value).not.toBe(before[0]?.value);
  });
});

test.each([
  ["*.swp", "/etc/nginx/.x.swp", true],
  ["*.swp", "/etc/nginx.swp/x", false],
  ["/etc/*", "/etc/nginx", true],
  ["/etc/*", "/etc/nginx/x", false],
  ["/etc/**", "/etc/nginx/x", true],
  ["cache", "/srv/www/cache", true],
  ["cache", "/srv/www/caches", false],
  ["/srv/?", "/srv/a", true],
  ["a.b", "/srv/axb", false],
  ["[ab]", "/srv/a", false],
  ["tcp *:111", "tcp 0.0.0.0:111", true],
  ["release", "release", true],
  ["net.ipv4.tcp_*", "net.ipv4.tcp_fastopen", true],
])("the pattern %j and the name %j: ignored is %s", (pattern, name, expected) => {
  expect(ignoring(["another", pattern])(name)).toBe(expected);
});

const fingerprint = (
  node: string,
  ...facts: readonly (readonly [Fact["kind"], string, string])[]
) =>
  ({
    pair: "www",
    node,
    at: "2026-11-21T09:14:22Z",
    facts: facts.map(([kind, name, value]) => ({ kind, name, value })),
  }) satisfies Fingerprint;

describe("a fingerprint that came over the network", () => {
  const whole = fingerprint("backup", ["package", "nginx", "1.22.1-9"]);

  test("is read as it was written", () => {
    const text = writeFingerprint(whole);
    expect(text.endsWith("\n")).toBe(true);
    expect(readFingerprint(text)).toEqual(whole);
  });

  test.each([
    "",
    "[]",
    "null",
    "{}",
    '{"fingerprint":2,"pair":"www","node":"backup","at":"","facts":[]}',
    '{"fingerprint":1,"pair":"www","node":"backup","at":"","facts":{}}',
    '{"fingerprint":1,"pair":"www","node":7,"at":"","facts":[]}',
    '{"fingerprint":1,"pair":"www","node":"backup","facts":[]}',
    '{"fingerprint":1,"pair":"www","node":"backup","at":"","facts":[{"kind":"odd","name":"a","value":"b"}]}',
    '{"fingerprint":1,"pair":"www","node":"backup","at":"","facts":[{"kind":"file","name":"a"}]}',
    '{"fingerprint":1,"pair":"www","node":"backup","at":"","facts":[null]}',
    writeFingerprint(whole).slice(0, -5),
  ])("is refused when it is none: %s", (text) => {
    expect(readFingerprint(text)).toBeUndefined();
  });

  test("never throws, whatever it is", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(readFingerprint(text)).toBeUndefined();
      }),
    );
  });

  test("is refused with a sentence that names the source", async () => {
    await using place = await scratch();
    await writeFile(place.path("empty"), "\n");
    await writeFile(place.path("odd"), "Welcome to backup\n{}");
    const wrong = async (name: string): Promise<string> =>
      fingerprintFrom(place.path(name)).then(
        () => "read",
        (error: Error) => error.message.replace(place.directory, "").replace(/;.*/, ""),
      );
    expect([await wrong("none"), await wrong("empty"), await wrong("odd")]).toEqual([
      "Cannot read a fingerprint from /none: there is no such file or directory",
      "Cannot read a fingerprint from /empty: it is empty",
      "Cannot read a fingerprint from /odd: it is none, or of another version of failover",
    ]);
  });

  test("must be of the other machine of the same pair", () => {
    mustBeOfPeer(whole, configuration, "primary");
    expect(() => mustBeOfPeer(whole, configuration, "backup")).toThrow(
      "Cannot compare backup with the fingerprint of backup, pair www: that of primary, pair www, is expected",
    );
    expect(() => mustBeOfPeer({ ...whole, pair: "web" }, configuration, "primary")).toThrow(
      "pair web: that of backup, pair www, is expected",
    );
  });
});

describe("two fingerprints side by side", () => {
  const here = fingerprint(
    "primary",
    ["kernel", "release", "6.1.0-28"],
    ["failover", "configuration", "18e8ed378ee85d50"],
    ["failover", "version", "0.1.0"],
    ["package", "nginx", "1.22.1-9"],
    ["file", "/etc/nginx/nginx.conf", `0644 ${sha256.abc}`],
    ["file", "/etc/nginx/new\u001b[31m.conf", `0644 ${sha256[""]}`],
  );
  const there = fingerprint(
    "backup",
    ["failover", "configuration", "0000000000000000"],
    ["failover", "version", "0.1.0"],
    ["package", "nginx", "1.22.1-9"],
    ["file", "/etc/nginx/nginx.conf", `0600 ${sha256.abc}`],
    ["kernel", "release", "6.1.0-28"],
    ["port", "udp 0.0.0.0:123", "a very long list, of more programs, than fit in one line"],
  );

  test("show what differs and nothing else, and mark what promote would refuse", () => {
    const drift = compareFingerprints(here, there);
    expect(`\n${driftLines(drift, plainPaint).join("\n")}\n`).toMatchInlineSnapshot(`
      "
                                          primary             backup
      failover  configuration             18e8ed378ee85d50    0000000000000000                              promote would refuse
      file      /etc/nginx/new [31m.conf  0644 e3b0c44298fc…  —
      file      /etc/nginx/nginx.conf     0644 ba7816bf8f01…  0600 ba7816bf8f01…
      port      udp 0.0.0.0:123           —                   a very long list, of more programs, than fi…
      "
    `);
    expect(driftFinding(drift)).toMatchObject({
      level: "failed",
      found: "4 of 7 facts differ from backup, as it was at 2026-11-21T09:14:22Z",
    });
  });

  test("that are alike need no table", () => {
    const drift = compareFingerprints(here, { ...here, node: "backup" });
    expect(driftLines(drift, plainPaint)).toEqual([]);
    expect(driftFinding(drift)).toMatchObject({
      level: "ok",
      found: "6 facts are those of backup, as it was at 2026-11-21T09:14:22Z",
    });
  });

  test("that differ in what no agent compares are a warning", () => {
    const drift = compareFingerprints(fingerprint("primary", ["package", "a", "1"]), {
      ...fingerprint("backup", ["package", "a", "2"]),
    });
    expect(drift.differences).toEqual([
      { kind: "package", name: "a", here: "1", there: "2", refuses: false },
    ]);
    expect(driftFinding(drift)).toMatchObject({
      level: "warning",
      found: "1 of 1 fact differs from backup, as it was at 2026-11-21T09:14:22Z",
    });
  });

  test("that differ throughout show thirty lines of each kind", () => {
    const files = (value: string) =>
      Array.from({ length: 50 }, (_, index) => ["file", `/${index}`, value] as const);
    const lines = driftLines(
      compareFingerprints(
        fingerprint("primary", ...files("a"), ["kernel", "release", "1"]),
        fingerprint("backup", ...files("b"), ["kernel", "release", "2"]),
      ),
      plainPaint,
    );
    expect(lines).toHaveLength(1 + 30 + 1 + 1);
    expect(lines.at(-2)).toContain("release");
    expect(lines.at(-1)).toBe("and 20 more: --json has them all");
  });
});

test("check names the one line for a shell that compares", () => {
  expect(howToCompare(configuration, "primary", "/etc/failover/failover.yaml").advice).toBe(
    "ssh root@203.0.113.12 failover fingerprint | failover check --drift -",
  );
  expect(howToCompare(configuration, "backup", "/a.yaml").advice).toBe(
    "ssh root@203.0.113.11 failover fingerprint --config /a.yaml | failover check --config /a.yaml --drift -",
  );
});

const ss = `tcp   LISTEN 0      511          0.0.0.0:80        0.0.0.0:*    users:(("nginx",pid=7,fd=6),("nginx",pid=8,fd=6))
tcp   LISTEN 0      511             [::]:80           [::]:*    users:(("nginx",pid=7,fd=6))
tcp   LISTEN 0      128     203.0.113.11:22        0.0.0.0:*    users:(("sshd",pid=9,fd=3))
tcp   LISTEN 0      128     203.0.113.10:443       0.0.0.0:*    users:(("haproxy",pid=9,fd=3))
tcp   LISTEN 0      128        127.0.0.1:5432      0.0.0.0:*
udp   UNCONN 0      0      127.0.0.53%lo:53        0.0.0.0:*    users:(("systemd-resolve",pid=1,fd=1))
udp   UNCONN 0      0   [fe80::1]%eth0:546            [::]:*    users:(("dhclient",pid=1,fd=1))
udp   UNCONN 0      0            0.0.0.0:41234     0.0.0.0:*    users:(("rpc.statd",pid=1,fd=1))
odd
`;

test("ports are told by protocol, place and program, alike on machines with other addresses", () => {
  const local = [
    { interface: "eth0", address: "203.0.113.11" },
    { interface: "eth0", address: "203.0.113.10" },
    { interface: "eth0", address: "fe80::1" },
    { interface: "lo", address: "127.0.0.1" },
  ].map((one) => ({ ...one, prefixLength: 24, validFor: "forever" as const }));
  const ephemeral = { from: 32_768, to: 60_999 };
  const facts = portFacts(readListeners(ss), configuration, local, ephemeral);
  expect(facts.map(({ name, value }) => `${name} ${value}`)).toEqual([
    "tcp 0.0.0.0:80 nginx",
    "tcp :::80 nginx",
    "tcp <eth0>:22 sshd",
    "tcp 203.0.113.10:443 haproxy",
    "tcp 127.0.0.1:5432 a program that is not known",
    "udp 127.0.0.53:53 systemd-resolve",
    "udp <eth0>:546 dhclient",
  ]);
});

test("versions of packages are read from dpkg and rpm", () => {
  const dpkg =
    "nginx\t1.22.1-9\tinstalled\nexim4\t4.96\tconfig-files\nlibc6\t2\tinstalled\nlibc6\t1\tinstalled\n";
  expect([...readDpkg(dpkg)]).toEqual([
    ["nginx", "1.22.1-9"],
    ["libc6", "1, 2"],
  ]);
  expect([...readRpm("kernel\t5.14-1.el9\nkernel\t5.14-2.el9\n")]).toEqual([
    ["kernel", "5.14-1.el9, 5.14-2.el9"],
  ]);
});

const today = new Date("2026-11-21T12:00:00Z");
test.each([
  ["2026-12-05T12:00:00Z", "ok", "that of www.example.org is valid until 2026-12-05"],
  ["2026-12-05T11:00:00Z", "warning", "that of www.example.org is valid until 2026-12-05"],
  ["2026-11-21T12:00:01Z", "warning", "that of www.example.org is valid until 2026-11-21"],
  ["2026-11-21T11:59:59Z", "failed", "that of www.example.org is valid until 2026-11-21"],
])("a certificate that is valid until %s: %s", (until, level, found) => {
  const certificate = { subject: "www.example.org", until: new Date(until), sha256: "00" };
  expect(certificateFinding({ kind: "found", ...certificate }, today)).toMatchObject({
    level,
    found,
  });
});

test("a certificate that nobody shows is not known, which is no fault of a standby", () => {
  expect(certificateFinding({ kind: "unknown", reason: "nothing listens" }, today)).toMatchObject({
    level: "ok",
    found: "how long it is valid is not known: nothing listens",
  });
});
