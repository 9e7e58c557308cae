import { once } from "node:events";
import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Finding } from "../../src/cli/check/finding.ts";
import { type Scratch, scratch } from "../unit/cli-fixtures.ts";
import { eventually, type Namespace, net, openPair, type Pair } from "./namespace.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const address = "10.99.0.10";

let place: Scratch;
let pair: Pair;

beforeEach(async () => {
  place = await scratch();
  pair = await openPair();
  await writeFile(place.path("key"), "00".repeat(32), { mode: 0o600 });
  await writeFile(place.path("access.log"), "");
  await writeFile(
    place.path("failover.yaml"),
    `pair: www
address: ${address}
key: ${place.path("key")}
nodes:
  primary: { interface: eth0, paths: [${net.here}], accessLog: ${place.path("access.log")} }
  backup: { interface: eth0, paths: [${net.there}] }
canary: { port: 8080 }
drift: { paths: [${place.path("site")}], packages: [iproute2] }
`,
  );
  await mkdir(place.path("site"));
});

afterEach(async () => {
  pair[Symbol.dispose]();
  await place[Symbol.asyncDispose]();
});

/** What `failover check` finds on the machine under test about some subjects. */
/** The tests' files are in /tmp, which the unit hides. */
const hidden = (file: string): string =>
  `warning access_log: ${file} cannot be read by the agent of the unit, which has PrivateTmp=yes`;

async function check(...subjects: readonly string[]): Promise<readonly string[]> {
  const files = ["--config", place.path("failover.yaml"), "--socket", place.path("www.sock")];
  const words = ["check", "--json", "--node", "primary", "--state-dir", place.path("state")];
  const said = await pair.here.start(...failover, ...words, ...files);
  const { findings } = JSON.parse(said) as { readonly findings: readonly Finding[] };
  return findings
    .filter(({ subject }) => subjects.includes(subject))
    .map(({ level, subject, found }) => `${level} ${subject}: ${found}`);
}

const failover = [process.execPath, "--import", "tsx", main];

/** `failover check --drift FILE` on the machine under test. */
function compare(file: string): Promise<string> {
  const files = ["--config", place.path("failover.yaml"), "--socket", place.path("www.sock")];
  return pair.here.start(...failover, "check", ...files, "--drift", file);
}

async function fingerprint(namespace: Namespace): Promise<string> {
  const config = ["--config", place.path("failover.yaml")];
  const said = await namespace.start(...failover, "fingerprint", ...config);
  await writeFile(place.path("fingerprint.json"), said);
  return place.path("fingerprint.json");
}

/** Answers at port 8080, and writes the lines that an access_log has. */
async function serve(namespace: Namespace, log: string | undefined, at = "0.0.0.0") {
  const line = `["::1 - - [x] ", JSON.stringify(q.method + " " + q.url), " 200 2"].join("") + "\\n"`;
  const logged = log === undefined ? "" : `require("fs").appendFileSync("${log}", ${line});`;
  const code = `
    require("http").createServer((q, r) => { ${logged} r.end("ok"); })
      .listen(8080, "${at}", () => console.log("listening"));
    process.stdin.resume().on("end", () => process.exit());`;
  const child = namespace.spawn(process.execPath, "-e", code);
  await once(child.stdout, "data");
}

test("two machines that are well can swap in drain mode, and the service is reached", async () => {
  await serve(pair.here, place.path("access.log"));
  await serve(pair.there, undefined);
  expect(await check("kernel", "swap", "firewall", "access_log")).toEqual([
    `ok access_log: ${place.path("access.log")} can be read; it has no line yet`,
    hidden(place.path("access.log")),
    `ok access_log: ${place.path("access.log")} grows with what is served here`,
    "ok kernel: no setting of eth0 is in the way",
    `ok firewall: backup at ${net.there}, port 8080, takes connections from here`,
    "ok swap: this machine can hand connections over and back; the other was not asked",
  ]);
});

test("a log that does not grow, and a firewall that drops, are told", async () => {
  await serve(pair.here, place.path("another.log"));
  await serve(pair.there, undefined);
  pair.there.runWords(
    "nft",
    "table inet wall { chain in { type filter hook input priority 0; tcp dport 8080 drop; }; }",
  );
  expect(await check("firewall", "access_log")).toEqual([
    `ok access_log: ${place.path("access.log")} can be read; it has no line yet`,
    hidden(place.path("access.log")),
    `warning access_log: a page was served at ${net.here}, and no line of it came to ` +
      `${place.path("access.log")} in 8 s`,
    `warning firewall: backup at ${net.there}, port 8080, does not answer new connections from here`,
  ]);
});

test("without an IPv4 address of its own on the interface a machine cannot drain", async () => {
  pair.here.run(`ip addr add ${address}/32 dev eth0 valid_lft 60 preferred_lft 60`);
  pair.here.run(`ip addr del ${net.here}/24 dev eth0`);
  expect(await check("swap")).toEqual([
    "warning swap: a planned swap will be in cut mode, because eth0 has no IPv4 address of its own, " +
      "which ARP needs as a sender",
  ]);
});

test("an interface that is gone is no place to hand connections over", async () => {
  pair.here.run("ip link del eth0");
  const [found] = await check("swap");
  expect(found).toMatch(/^warning swap: .* because the kernel cannot pass frames on at eth0: \S/);
});

test("with arp_ignore 2 the kernel answers for the address where a network of its own has it", async () => {
  const asks = ["ping", "-c", "1", "-W", "1", "-I", "eth0", address];
  pair.here.run(`ip addr add ${address}/32 dev eth0`);
  pair.here.run("sysctl -w net.ipv4.conf.eth0.arp_ignore=2");
  expect(pair.there.runWords(...asks)).toContain("1 received");
  expect(await check("kernel")).toEqual(["ok kernel: no setting of eth0 is in the way"]);
  pair.there.run("ip neigh flush dev eth0");
  pair.here.run(`ip addr del ${net.here}/24 dev eth0`);
  pair.here.run(`ip addr add ${net.here}/32 dev eth0`);
  pair.here.run(`ip route add ${net.there}/32 dev eth0`);
  expect(() => pair.there.runWords(...asks)).toThrow();
  expect(await check("kernel")).toEqual([
    "failed kernel: arp_ignore=2: nobody is answered for the address, as no network of eth0 has it",
  ]);
});

test("the kernel drops beats whose answers go elsewhere with rp_filter 1, and check says so", async () => {
  pair.here.run("ip link add aside type veth peer name other");
  pair.here.run("ip link set aside up");
  pair.here.run("ip link set other up");
  pair.here.run(`ip route add ${net.there}/32 dev aside`);
  pair.there.run(`ip neigh replace ${net.here} lladdr ${net.hereMac} dev eth0`);
  const dropped = (): string => {
    expect(() => pair.there.runWords("ping", "-c", "1", "-W", "1", net.here)).toThrow();
    return pair.here.run("nstat -az TcpExtIPReversePathFilter").split(/\s+/)[2] ?? "";
  };
  expect(dropped()).toBe("0");
  expect(await check("kernel")).toEqual(["ok kernel: no setting of eth0 is in the way"]);
  pair.here.run("sysctl -w net.ipv4.conf.eth0.rp_filter=1");
  expect(dropped()).toBe("1");
  expect(await check("kernel")).toEqual([
    `failed kernel: beats of ${net.there} arrive on eth0 and are dropped: answers go by aside, ` +
      "and rp_filter is 1",
  ]);
});

test("a port of a bridge is no place for the address", async () => {
  pair.here.run("ip link add br0 type bridge");
  pair.here.run("ip link set eth0 master br0");
  expect(await check("kernel")).toEqual([
    "failed kernel: eth0 is a port of br0, so its frames are the bridge's",
  ]);
});

test("an IPv6 address that another machine has as well is named", async () => {
  pair.there.run("ip addr add fd99::99/64 dev eth0 nodad");
  pair.here.run("sysctl -w net.ipv6.conf.eth0.accept_dad=1");
  pair.here.run("ip addr add fd99::99/64 dev eth0");
  const state = (): string => pair.here.run("ip -6 addr show dev eth0");
  await eventually("dadfailed", () => state().includes("dadfailed"), 10_000);
  const found = "failed address: another machine has fd99::99 as well, so this one does not use it";
  // The kernel says so a moment before it stops trying.
  await vi.waitFor(async () => expect(await check("address")).toEqual([found]), 15_000);
});

test("two machines are laid side by side, and shown is what differs", async () => {
  await writeFile(place.path("site/index.html"), "old");
  const secret = "01234567-89abcdef-01234567-89abcdef";
  pair.there.run("sysctl -w net.core.somaxconn=77");
  pair.there.run(`sysctl -w net.ipv4.tcp_fastopen_key=${secret}`);
  await serve(pair.there, undefined, net.there);
  await serve(pair.here, undefined, net.here);
  await serve(pair.here, undefined, "127.0.0.1");
  const theirs = await fingerprint(pair.there);
  await appendFile(place.path("site/index.html"), "new");
  const said = await compare(theirs);
  expect(await readFile(theirs, "utf8")).not.toContain(secret);
  const [, table = ""] = said.split(/^ +primary +backup\n/m);
  const rows = table.split("\n").map((line) => line.trim().split(/ {2,}/));
  expect(rows).toEqual([
    [
      "file",
      place.path("site/index.html"),
      expect.stringMatching(/^0644 \w{12}…$/),
      expect.stringMatching(/^0644 \w{12}…$/),
    ],
    ["port", "tcp 127.0.0.1:8080", "node", "—"],
    ["kernel", "net.core.somaxconn", "4096", "77"],
    [
      "kernel",
      "net.ipv4.tcp_fastopen_key",
      expect.stringMatching(/…$/),
      expect.stringMatching(/…$/),
    ],
    [""],
  ]);
  expect(said).toMatch(/^warning {2}drift {10}4 of \d+ facts differ from backup, as it was at 2/m);
});

test("what is no fingerprint, or that of this machine, is refused at once", async () => {
  await writeFile(place.path("odd"), "ssh: Could not resolve hostname backup");
  expect(await compare(place.path("odd"))).toMatch(
    /^failover: Cannot read a fingerprint from \S+: it is none/,
  );
  expect(await compare(await fingerprint(pair.here))).toMatch(
    /^failover: Cannot compare primary with the fingerprint of primary, pair www: that of backup/,
  );
});

test("the certificate that the web server here shows is told with its last day", async () => {
  await appendFile(place.path("failover.yaml"), "domain: www.example.org\n");
  const text = await readFile(place.path("failover.yaml"), "utf8");
  await writeFile(
    place.path("failover.yaml"),
    text.replace("{ port: 8080 }", "{ scheme: https, port: 8443 }"),
  );
  const [key, certificate] = [place.path("tls.key"), place.path("tls.pem")];
  const subject = ["-subj", "/CN=www.example.org", "-days", "3"];
  const words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  pair.here.runWords("openssl", ...words, ...subject, "-keyout", key, "-out", certificate);
  const code = `
    const { readFileSync: read } = require("fs");
    require("https").createServer({ key: read("${key}"), cert: read("${certificate}") })
      .listen(8443, () => console.log("listening"));
    process.stdin.resume().on("end", () => process.exit());`;
  await once(pair.here.spawn(process.execPath, "-e", code).stdout, "data");
  const [found] = await check("certificate");
  expect(found).toMatch(/^warning certificate: that of www\.example\.org is valid until 20\d\d-/);
  const facts = await readFile(await fingerprint(pair.here), "utf8");
  expect(facts).toMatch(
    /"port 8443","value":"www\.example\.org until 20\d\d-\d\d-\d\d, [0-9a-f]{64}"/,
  );
});
