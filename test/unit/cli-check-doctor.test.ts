import { expect, test } from "vitest";

import { diskFinding, diskFindings } from "../../src/cli/check/disk-findings.ts";
import type { Finding } from "../../src/cli/check/finding.ts";
import { type KernelFacts, kernelFindings } from "../../src/cli/check/kernel-findings.ts";
import { type Reach, reachFinding } from "../../src/cli/check/reach-findings.ts";
import { type SwapFacts, swapFindings } from "../../src/cli/check/swap-findings.ts";
import type { Status } from "../../src/cli/status.ts";
import { complaintIn } from "../../src/linux/diversion/ability.ts";
import { readIpv6States } from "../../src/linux/kernel-settings.ts";
import { hardwareBelow, readLargeReceive, readLinks } from "../../src/linux/links.ts";
import { aHandover, aStatus, scratch } from "./cli-fixtures.ts";

const words = (findings: readonly Finding[]): string[] =>
  findings.map(({ level, subject, found }) => `${level} ${subject}: ${found}`);

const drains: SwapFacts = { mode: "drain", obstacle: undefined, largeReceive: [], ipv6: [] };
const { peer, agent } = aStatus();
const begins = "ok swap: failover promote backup would begin now";

test.each<[string, Partial<SwapFacts>, Partial<Status> | undefined, string[]]>([
  ["both can", {}, {}, ["ok swap: a planned swap will be in drain mode", begins]],
  [
    "no agent runs",
    {},
    undefined,
    ["ok swap: this machine can hand connections over and back; the other was not asked"],
  ],
  [
    "the peer was never heard",
    {},
    { peer: { ...peer, diverts: null } },
    ["ok swap: this machine can hand connections over and back; backup was not heard yet", begins],
  ],
  [
    "the configuration says cut",
    { mode: "cut", obstacle: "nft is not installed" },
    {},
    ["ok swap: a planned swap will be in cut mode, because swap.mode says so", begins],
  ],
  [
    "this kernel cannot",
    { obstacle: "nft is not installed", largeReceive: [{ card: "eno1", state: "on" }] },
    {},
    ["warning swap: a planned swap will be in cut mode, because nft is not installed", begins],
  ],
  [
    "the agent could not when it started",
    {},
    { agent: { ...agent, diverts: false } },
    [
      "warning swap: a planned swap will be in cut mode, because this machine could not hand " +
        "connections over when its agent started",
      begins,
    ],
  ],
  [
    "the peer cannot",
    {},
    { peer: { ...peer, diverts: false } },
    [
      "warning swap: a planned swap will be in cut mode, because backup says that it cannot hand " +
        "connections over",
      begins,
    ],
  ],
  [
    "a card merges segments",
    {
      largeReceive: [
        { card: "eno1", state: "on" },
        { card: "eno2", state: "unknown" },
        { card: "eno3", state: "off" },
      ],
    },
    {},
    [
      "ok swap: a planned swap will be in drain mode",
      "warning swap: eno1 merges segments into frames that are too long to be handed over (LRO)",
      "ok swap: whether eno2 merges segments (LRO) is not known without ethtool",
      begins,
    ],
  ],
  [
    "promote would refuse",
    {},
    { frozen: true, handover: aHandover() },
    [
      "ok swap: a planned swap will be in drain mode",
      "warning swap: failover promote backup would refuse: the pair is frozen; failover thaw ends that",
      "warning swap: failover promote backup would refuse: the handover primary → backup is not over yet",
    ],
  ],
  [
    "this machine is the standby, and the holder could not take again",
    {},
    { holder: "backup", peer: { ...peer, able: false } },
    [
      "ok swap: a planned swap will be in drain mode",
      "ok swap: failover promote primary would begin now",
    ],
  ],
  [
    "nobody holds",
    {},
    { holder: null, frozen: true },
    ["ok swap: a planned swap will be in drain mode"],
  ],
])("check says how a swap would go when %s", (_, facts, status, expected) => {
  const found = swapFindings({ ...drains, ...facts }, status && aStatus(status));
  expect(words(found)).toEqual(expected);
});

test("IPv6 addresses that cannot be used are named", () => {
  const text = [
    "fe80000000000000044d4ffffe62ab34 04 40 20 80     eth0",
    "fd000000000000000000000000000001 04 40 00 c0     eth0",
    "fd000000000000000000000000000002 04 40 00 44     eth0",
    "fd000000000000000000000000000003 04 40 00 c8     eth0",
    "fd000000000000000000000000000004 05 40 00 c0     eth1",
    "",
  ].join("\n");
  const ipv6 = readIpv6States("eth0", text);
  expect(ipv6.map(({ state }) => state)).toEqual(["ready", "tentative", "ready", "duplicate"]);
  expect(words(swapFindings({ ...drains, ipv6 }, undefined)).slice(1)).toEqual([
    "warning address: fd00::1 is still being looked at for a duplicate, and cannot be used yet",
    "failed address: another machine has fd00::3 as well, so this one does not use it",
  ]);
});

const quiet: KernelFacts = {
  device: "eth0",
  link: { name: "eth0", kind: undefined, master: undefined, below: undefined },
  masterKind: undefined,
  covered: true,
  settings: {
    rpFilter: 0,
    arpIgnore: 0,
    proxyArp: false,
    proxyNdp: false,
    ipv6Disabled: false,
    bridgeFilters: false,
  },
  paths: [{ local: "10.0.0.1", remote: "10.0.0.2", arrives: "eth1", leaves: "eth1", rpFilter: 1 }],
  defaultWays: ["eth0"],
  needsIpv6: false,
};
const [way] = quiet.paths;
if (way === undefined) throw new Error("The fixture has no path");
const { settings, link } = quiet;
const bridge = { name: "eth0", kind: "bridge", master: undefined, below: undefined };

test.each<[Partial<KernelFacts>, string]>([
  [{}, "ok kernel: no setting of eth0 is in the way"],
  [{ settings: { ...settings, arpIgnore: 1 } }, "ok kernel: no setting of eth0 is in the way"],
  [{ settings: { ...settings, arpIgnore: 2 } }, "ok kernel: no setting of eth0 is in the way"],
  [
    { covered: false, settings: { ...settings, arpIgnore: 2 } },
    "failed kernel: arp_ignore=2: nobody is answered for the address, as no network of eth0 has it",
  ],
  [
    { settings: { ...settings, arpIgnore: 8 } },
    "failed kernel: arp_ignore=8: nobody is answered for the address",
  ],
  [
    { settings: { ...settings, proxyArp: true } },
    "warning kernel: proxy_arp: eth0 may answer for the address while the other machine holds it",
  ],
  [
    { settings: { ...settings, proxyNdp: true } },
    "warning kernel: proxy_ndp: eth0 answers for whatever ip -6 neigh show proxy lists",
  ],
  [
    { settings: { ...settings, ipv6Disabled: true } },
    "ok kernel: no setting of eth0 is in the way",
  ],
  [
    { needsIpv6: true, settings: { ...settings, ipv6Disabled: true } },
    "failed kernel: IPv6 is disabled on eth0",
  ],
  [
    { paths: [{ ...way, leaves: "eth0" }] },
    "failed kernel: beats of 10.0.0.2 arrive on eth1 and are dropped: answers go by eth0, " +
      "and rp_filter is 1",
  ],
  [
    { paths: [{ ...way, leaves: "eth0", rpFilter: 2 }] },
    "ok kernel: no setting of eth0 is in the way",
  ],
  [
    { paths: [{ ...way, leaves: undefined }] },
    "failed kernel: no route leads from 10.0.0.1 to 10.0.0.2",
  ],
  [
    { defaultWays: ["eth7"], settings: { ...settings, rpFilter: 1 } },
    "warning kernel: clients from afar are dropped on eth0: answers go by eth7, and rp_filter is 1",
  ],
  [
    { defaultWays: [], settings: { ...settings, rpFilter: 1 } },
    "ok kernel: no setting of eth0 is in the way",
  ],
  [
    { link: { ...bridge, kind: "veth", master: "br0" }, masterKind: "bridge" },
    "failed kernel: eth0 is a port of br0, so its frames are the bridge's",
  ],
  [
    { link: bridge, settings: { ...settings, bridgeFilters: true } },
    "warning kernel: what eth0 passes on goes through netfilter (bridge-nf-call-*)",
  ],
  [
    { link, settings: { ...settings, bridgeFilters: true } },
    "ok kernel: no setting of eth0 is in the way",
  ],
])("settings of the kernel that are in the way are found: %#", (facts, finding) => {
  expect(words(kernelFindings({ ...quiet, ...facts }))).toEqual([finding]);
});

test("the cards below an interface are found through vlan, bond and bridge", () => {
  const entry = (ifname: string, kind?: string, more: object = {}) => ({
    ifname,
    link_type: ifname === "lo" ? "loopback" : "ether",
    ...(kind && { linkinfo: { info_kind: kind } }),
    ...more,
  });
  const all = readLinks(
    JSON.stringify([
      entry("lo"),
      entry("eno1", undefined, { master: "bond0" }),
      entry("eno2", undefined, { master: "bond0" }),
      entry("bond0", "bond", { master: "br0" }),
      entry("br0", "bridge"),
      entry("br0.7", "vlan", { link: "br0" }),
      entry("veth1", "veth", { link: "eno1" }),
      "odd",
    ]),
  );
  expect(hardwareBelow("br0.7", all)).toEqual(["eno1", "eno2"]);
  expect(hardwareBelow("eno1", all)).toEqual(["eno1"]);
  expect(["veth1", "lo", "gone"].flatMap((name) => hardwareBelow(name, all))).toEqual([]);
  expect([readLinks("odd"), readLinks("{}")]).toEqual([[], []]);
});

test.each([
  ["Features for eno1:\nlarge-receive-offload: on\n", "on"],
  ["rx-lro: on\nlarge-receive-offload: off [fixed]\n", "off"],
  ["Cannot get device features", "unknown"],
])("ethtool says %j", (text, state) => {
  expect(readLargeReceive(text)).toBe(state);
});

test.each([
  ["Cannot run nft --check --file -: spawn nft ENOENT", "nft is not installed"],
  [
    "Cannot run nft --check --file -: /dev/stdin:3:1-50: Error: Could not process rule: Operation not supported\n  ^^^",
    "Could not process rule: Operation not supported",
  ],
  [
    "Cannot run nft --check --file -: netlink: Error: cache initialization failed: Operation not permitted",
    "cache initialization failed: Operation not permitted",
  ],
  ["Cannot run nft --check --file -: it took longer than 5000 ms", "it took longer than 5000 ms"],
])("of what nft says the reason is kept: %#", (reason, expected) => {
  expect(complaintIn(reason)).toBe(expected);
});

const mebi = 2 ** 20;
test.each([
  [600 * mebi, 20_000, "ok disk: /var has room for 600 MiB and 20000 files"],
  [5000 * mebi, undefined, "ok disk: /var has room for 4 GiB"],
  [511 * mebi, undefined, "warning disk: /var has room for 511 MiB"],
  [600 * mebi, 9999, "warning disk: /var has room for 600 MiB and 9999 files"],
  [15 * mebi, 20_000, "failed disk: /var has room for 15 MiB and 20000 files"],
  [600 * mebi, 0, "failed disk: /var has room for 600 MiB and 0 files"],
])("a disk with %d bytes and %s files free", (freeBytes, freeFiles, expected) => {
  expect(words([diskFinding({ directory: "/var", freeBytes, freeFiles })])).toEqual([expected]);
});

test("directories that will be made are looked at where they will be, and each place once", async () => {
  await using place = await scratch();
  const found = words(await diskFindings([place.path("a/b"), place.path("c"), place.directory]));
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(`disk: ${place.directory} has room for `);
});

test.each<[Reach, string]>([
  [{ kind: "open" }, "ok firewall: backup at 10.0.0.2, port 80, takes connections from here"],
  [
    { kind: "refused" },
    "ok firewall: backup at 10.0.0.2, port 80, is reached and has nobody listening on that address",
  ],
  [
    { kind: "silent" },
    "warning firewall: backup at 10.0.0.2, port 80, does not answer new connections from here",
  ],
  [
    { kind: "failed", reason: "no route" },
    "warning firewall: backup at 10.0.0.2, port 80, is not reached: no route",
  ],
])("a connection to the other machine: %#", (reached, expected) => {
  expect(words([reachFinding("backup", "10.0.0.2", 80, reached)])).toEqual([expected]);
});
