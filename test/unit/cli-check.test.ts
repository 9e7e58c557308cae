import { readFileSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";

import { agentFindings } from "../../src/cli/check/agent-findings.ts";
import { fileFindings, sandboxFindings } from "../../src/cli/check/file-findings.ts";
import type { Finding } from "../../src/cli/check/finding.ts";
import { findingLines } from "../../src/cli/check-command.ts";
import { configurationDigest } from "../../src/cli/configuration/digest.ts";
import type { Status } from "../../src/cli/status.ts";
import { plainPaint } from "../../src/cli/terminal.ts";
import { aStatus, configuration, scratch } from "./cli-fixtures.ts";

const digest = configurationDigest(configuration);

const words = (findings: readonly Finding[]): string[] =>
  findings.map(({ level, subject, found }) => `${level} ${subject}: ${found}`);

/** A pair in good health, with the changes of one test. */
function well(changes: Partial<Status> = {}): Status {
  const { peer, agent, paths } = aStatus();
  return aStatus({
    agent: { ...agent, configuration: digest },
    peer: { ...peer, configuration: digest },
    paths: paths.slice(0, 1),
    ...changes,
  });
}

const troubles = (changes: Partial<Status>): string[] =>
  words(agentFindings(well(changes), configuration)).filter((line) => !line.startsWith("ok"));

test("a pair in good health has nothing but good findings", () => {
  expect(words(agentFindings(well(), configuration))).toEqual([
    "ok agent: version 0.1.0 runs with this configuration",
    "ok path: 203.0.113.11 → 203.0.113.12 carries beats both ways",
    "ok peer: backup has the same configuration",
    "ok peer: backup is standby",
    "ok witness: 203.0.113.1 seen 870 ms ago",
  ]);
});

const [path] = aStatus().paths;
if (path === undefined) throw new Error("The fixture has no path");
const { peer, agent, witness, service } = well();

test.each<[Partial<Status>, string]>([
  [
    { paths: [{ ...path, heardAge: 1001 }] },
    "failed path: 203.0.113.11 → 203.0.113.12: the other machine was heard 1.0 s ago; " +
      "dropped: 3 wrong-key",
  ],
  [
    { paths: [{ ...path, hearsUsAge: null }] },
    "failed path: 203.0.113.11 → 203.0.113.12: the other machine never heard us",
  ],
  [
    { peer: { ...peer, configuration: "0000000000000000" } },
    "failed peer: backup has another configuration",
  ],
  [{ peer: { ...peer, able: false } }, "warning peer: backup is not able to take over"],
  [{ peer: { ...peer, service: "failed" } }, "warning peer: the service of backup has failed"],
  [
    {
      agent: { ...agent, configuration: "0000000000000000" },
      peer: { ...peer, configuration: "0000000000000000" },
    },
    "warning agent: the running agent has another configuration than this file",
  ],
  [
    { witness: { ...witness, broken: true } },
    "warning witness: 203.0.113.1 seen 870 ms ago and is no evidence",
  ],
  [
    { service: { ...service, health: "failed" } },
    "failed service: port 80 seen listening 640 ms ago",
  ],
  [
    { alerts: [{ sentence: "The clock jumped", age: 2000 }] },
    "warning alert: The clock jumped, began 2.0 s ago",
  ],
])("what ails a running pair is found: %#", (changes, finding) => {
  expect(troubles(changes)).toEqual([finding]);
});

test("files are looked at one by one, those the agent will make are no fault", async () => {
  await using place = await scratch();
  await writeFile(place.path("key"), "00".repeat(32), { mode: 0o600 });
  await writeFile(place.path("access.log"), "");
  const at = (name: string): string => place.path(name);
  const findings = await fileFindings({
    key: at("key"),
    stateDirectory: at("a/b"),
    socket: at("run/www.sock"),
    accessLogs: [at("access.log"), at("no.log")],
    logFormat: "auto",
    log: at("agent.log"),
  });
  expect(words(findings)).toEqual([
    `ok key: ${at("key")} holds 1 key`,
    `ok state: ${at("a/b")} can be made`,
    `ok socket: ${at("run")} can be made`,
    `ok log: ${at("agent.log")} can be made`,
    `ok access_log: ${at("access.log")} can be read; it has no line yet`,
    `warning access_log: ${at("no.log")} cannot be read: there is no such file or directory`,
    ...[at("access.log"), at("no.log")].map(inPrivateTmp),
    inPrivateTmp(at("agent.log")).replace("access_log", "log").replace("read", "written"),
  ]);
});

test("a change of keys that was left in the middle is named, with what ends it", async () => {
  await using place = await scratch();
  const file = place.path("key");
  await writeFile(file, `${"00".repeat(32)}\n${"11".repeat(32)}\n`, { mode: 0o600 });
  const [finding] = await fileFindings({
    key: file,
    stateDirectory: place.directory,
    socket: place.path("www.sock"),
    accessLogs: [],
    logFormat: "auto",
    log: undefined,
  });
  expect(finding).toEqual({
    level: "warning",
    subject: "key",
    found: `${file} holds 2 keys, all of which are accepted: a change of keys was not brought to its end`,
    advice:
      "see failover key list; when both machines sign with the newest, failover key retire on both",
  });
});

test("a key that others can read and a directory that others can write are faults", async () => {
  await using place = await scratch();
  await writeFile(place.path("key"), "00".repeat(32));
  await chmod(place.path("key"), 0o644);
  await mkdir(place.path("state"));
  await chmod(place.path("state"), 0o777);
  const files = { key: place.path("key"), stateDirectory: place.path("state") };
  const logs = { accessLogs: [], logFormat: "auto", log: place.path("state") };
  const findings = await fileFindings({ ...files, ...logs, socket: place.path("www.sock") });
  expect(words(findings)).toEqual([
    `failed key: Cannot use the key file ${files.key}: its mode is 0644; chmod 600 ${files.key}`,
    `failed state: ${place.path("state")}: its mode is 0777; chmod 700 ${place.path("state")}`,
    `ok socket: ${place.directory} can be written`,
    `failed log: ${place.path("state")} is no regular file`,
    expect.stringContaining("PrivateTmp"),
  ]);
});

const inPrivateTmp = (file: string): string =>
  `warning access_log: ${file} cannot be read by the agent of the unit, which has PrivateTmp=yes`;

test("what the unit hides from the agent, or closes to it, is found", () => {
  const files = [
    "/var/log/a",
    "/srv/a",
    "/tmp/a",
    "/var/tmp/b/a",
    "/home/x/a",
    "/etc/a",
    "/tmpa/a",
  ];
  const found = (use: "read" | "written") =>
    sandboxFindings("log", use, files).map(({ found: sentence }) => sentence.split(" ")[0]);
  expect(found("read")).toEqual(["/tmp/a", "/var/tmp/b/a"]);
  expect(found("written")).toEqual(["/tmp/a", "/var/tmp/b/a", "/home/x/a", "/etc/a"]);
  const unit = readFileSync(join(import.meta.dirname, "../../systemd/failover.service"), "utf8");
  for (const { found: sentence } of sandboxFindings("log", "written", files))
    expect(unit).toContain(`\n${sentence.split(" has ")[1]}\n`);
});

test.each([
  ["%h|%>s|%r", 0, "ok access_log: LOG can be read, and its last 200 lines as logFormat says"],
  ["%h|%>s|%r", 20, "ok access_log: LOG can be read, and its last 200 lines as logFormat says"],
  [
    "%h|%>s|%r",
    21,
    'failed access_log: LOG: 21 of its last 200 lines do not fit logFormat, such as "odd"',
  ],
  ["json", 0, "failed access_log: LOG: 200 of its last 200 lines do not fit logFormat, such as "],
])("the last lines are read as %s with %d odd ones", async (logFormat, odd, expected) => {
  await using place = await scratch();
  const log = place.path("access.log");
  const lines = ["x\n".repeat(40_000), "::1|200|-\n".repeat(200 - odd), "odd\n".repeat(odd)];
  await writeFile(log, lines.join(""));
  await writeFile(place.path("key"), "00".repeat(32), { mode: 0o600 });
  const files = { key: place.path("key"), stateDirectory: place.directory };
  const [, , , finding] = await fileFindings({
    ...files,
    socket: place.path("www.sock"),
    accessLogs: [log],
    logFormat,
    log: undefined,
  });
  expect(words(finding === undefined ? [] : [finding])[0]).toContain(expected.replace("LOG", log));
});

test("a finding says what to do below what was found", () => {
  const finding = { level: "failed", subject: "tools", found: "nft\nis", advice: "apt" } as const;
  expect(findingLines(finding, plainPaint)).toEqual([
    "failed   tools          nft is",
    "                        → apt",
  ]);
});
