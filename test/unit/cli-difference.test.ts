import { describe, expect, test } from "vitest";

import type { Configuration } from "../../src/cli/configuration/configuration.ts";
import { difference } from "../../src/cli/configuration/difference.ts";
import { parseConfiguration } from "../../src/cli/configuration/parse.ts";

const least = `pair: www
address: 203.0.113.10
key: /etc/failover/key
nodes:
  primary: { interface: eth0, paths: [203.0.113.11] }
  backup: { interface: eth0, paths: [203.0.113.12] }
`;

function read(text: string): Configuration {
  const parsed = parseConfiguration(text);
  if (parsed.kind === "valid") return parsed.configuration;
  throw new Error(JSON.stringify(parsed.problems));
}

const inForce = read(least);
const from = (...lines: string[]) => difference(inForce, read(`${least}${lines.join("\n")}\n`));
const but = (line: string, instead: string) => {
  expect(least).toContain(line);
  return difference(inForce, read(least.replace(line, instead)));
};

describe("what differs between the configuration in force and another", () => {
  test("nothing, where only the writing does", () => {
    expect(from("# a remark", "interval: 100ms", "swap: { mode: drain }")).toEqual({
      kind: "same",
    });
  });

  test.each([
    ["interval: 200ms", "interval", "200ms instead of 100ms"],
    ["deadTime: 2s", "deadTime", "2000ms instead of 300ms"],
    ["confirmTime: 200ms", "confirmTime", "200ms instead of 100ms"],
    ["lease: 4s", "lease", "4000ms instead of 2000ms"],
    ["bootTime: 10s", "bootTime", "10000ms instead of 5000ms"],
    ["witness: none", "witness", "none added, auto removed"],
    ["witness: 203.0.113.1", "witness", "203.0.113.1 added, auto removed"],
    ["announceRate: 50", "announceRate", "50 instead of 500"],
    ["domain: www.example.org", "domain", "www.example.org instead of nothing"],
    ["logFormat: json", "logFormat", "json instead of auto"],
    ["swap: { mode: cut }", "swap.mode", "cut instead of drain"],
    ["swap: { steps: [5%, 100%] }", "swap.steps", "5% added"],
    ["swap: { minRequests: 3 }", "swap.minRequests", "3 instead of 10"],
    ["swap: { maxErrorRate: 2% }", "swap.maxErrorRate", "2% instead of 1%"],
    ["swap: { verifyTime: 5s }", "swap.verifyTime", "5000ms instead of 30000ms"],
    ["swap: { drainTime: 5s }", "swap.drainTime", "5000ms instead of 60000ms"],
    ["hooks: { drain: nginx -s reload }", "hooks.drain", "nginx -s reload instead of nothing"],
    ["canary: { path: /health }", "canary.path", "/health instead of /"],
    ["canary: { port: 8080 }", "canary.port", "8080 instead of 80"],
    ["canary: { expect: 200 }", "canary.expect", "200-200 instead of 200-399"],
    ["log: { level: debug }", "log.level", "debug instead of info"],
    ["log: { file: /var/log/x }", "log.file", "/var/log/x instead of nothing"],
  ])("%s applies", (line, key, words) => {
    expect(from(line)).toEqual({ kind: "applies", changes: [{ key, words }] });
  });

  test("a scheme brings its port along", () => {
    expect(from("canary: { scheme: https }")).toMatchObject({
      kind: "applies",
      changes: [{ key: "canary.scheme" }, { key: "canary.port" }],
    });
  });

  test("addresses that are added, removed, or in another order", () => {
    const words = (text: string) => but("address: 203.0.113.10", `address: ${text}`);
    const change = (told: string) => ({
      kind: "applies",
      changes: [{ key: "address", words: told }],
    });
    expect(words("[203.0.113.10, 203.0.113.20]")).toEqual(change("203.0.113.20 added"));
    expect(words("203.0.113.20")).toEqual(change("203.0.113.20 added, 203.0.113.10 removed"));
    const two = read(least.replace("203.0.113.10", "[203.0.113.10, 203.0.113.20]"));
    const turned = read(least.replace("203.0.113.10", "[203.0.113.20, 203.0.113.10]"));
    expect(difference(two, turned)).toEqual(change("in another order"));
    const many = Array.from({ length: 20 }, (_, index) => `203.0.113.${index + 100}`);
    expect(words(`[203.0.113.10, ${many.join(", ")}]`)).toEqual(
      change(`${many.slice(0, 8).join(", ")} and 12 more added`),
    );
  });

  test("an access_log, of whichever machine", () => {
    const log = "accessLog: /srv/access.log";
    expect(but("[203.0.113.12] }", `[203.0.113.12], ${log} }`)).toMatchObject({
      kind: "applies",
      changes: [{ key: "nodes.backup.accessLog" }],
    });
  });

  test.each([
    ["pair: www", "pair: other", "pair"],
    ["/etc/failover/key", "/etc/key", "key"],
    ["pair: www", "pair: www\nport: 700", "port"],
    ["pair: www", "pair: www\ntakeover: link", "takeover"],
    ["pair: www", "pair: www\nroutes: [203.0.113.0/24 via 203.0.113.1]", "routes"],
    ["backup:", "spare:", "nodes"],
    ["paths: [203.0.113.12]", "paths: [203.0.113.13]", "nodes.backup.paths"],
    ["{ interface: eth0, paths: [203.0.113.11]", "{ interface: eth1, paths: [203.0.113.11]", ""],
  ])("%s → %s needs a restart", (line, instead, key) => {
    expect(but(line, instead)).toEqual({
      kind: "needs-restart",
      keys: [key === "" ? "nodes.primary.interface" : key],
    });
  });

  test("one key that needs a restart holds all the others up", () => {
    expect(from("port: 700", "interval: 200ms")).toEqual({ kind: "needs-restart", keys: ["port"] });
  });

  test("the nodes in another order are other nodes: who goes first is agreed at a start", () => {
    const [first, second] = least.split("\n").slice(4, 6);
    const turned = least.replace(`${first}\n${second}`, `${second}\n${first}`);
    expect(difference(inForce, read(turned))).toEqual({ kind: "needs-restart", keys: ["nodes"] });
  });
});
