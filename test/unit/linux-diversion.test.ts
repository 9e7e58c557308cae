import { expect, it } from "vitest";

import { type Diversion, noDiversion } from "../../src/core/diversion.ts";
import { changeScript, type Load, purposeWords, same } from "../../src/linux/diversion/change.ts";
import { pokePacket } from "../../src/linux/diversion/poke.ts";
import {
  declareScript,
  forgetScript,
  keepElements,
  keepScript,
  loadScript,
  pickScript,
  removeScript,
} from "../../src/linux/diversion/rules.ts";
import { parseAddress } from "../../src/linux/ip-address.ts";

/** What nft is told, as the reader of a log sees it. */

const to = "02:00:00:00:00:12";
const scene = (...addresses: readonly string[]) => ({
  table: "failover_www",
  device: "eth0.10",
  ownMac: "02:00:00:00:00:11",
  addresses: addresses.map(parseAddress),
});
const one = scene("10.99.0.100");
const both = scene("10.99.0.100", "10.99.0.101", "fd99::100");
const share = (of: number, ...testers: readonly string[]) =>
  ({ kind: "share", to, share: of, testers }) as const;

const chain = (script: string, name: string): string =>
  new RegExp(`^  chain ${name} {\n(.*?)^  }$`, "ms").exec(script)?.[1] ?? "";

const load = (diversion: Diversion, arrivalsFrom?: string, where = both): string =>
  loadScript(where, { diversion, arrivalsFrom });

it("the first script declares, empties the chains, and fills them", () => {
  const aim = {
    diversion: { kind: "kept", to },
    arrivalsFrom: undefined,
    ownMac: one.ownMac,
  } as const;
  const first = { loaded: "nothing", aim, afresh: false, elements: undefined } as const;
  expect(changeScript(one, first)).toMatchInlineSnapshot(`
    "table netdev failover_www {
      set moved4 { type ipv4_addr . inet_service . ipv4_addr . inet_service; flags dynamic; size 262144; }
      set closing4 { type ipv4_addr . inet_service . ipv4_addr . inet_service; flags dynamic,timeout; timeout 5m; size 262144; }
      set went4 { type ipv4_addr . inet_service . ipv4_addr . inet_service; flags dynamic,timeout; timeout 10s; size 65536; }
      set stayed4 { type ipv4_addr . inet_service . ipv4_addr . inet_service; flags dynamic,timeout; timeout 10s; size 65536; }
      set keep4 { type ipv4_addr . inet_service . ipv4_addr . inet_service; }
      set frags4 { typeof ip saddr . ip daddr . ip id . ip protocol; flags dynamic,timeout; timeout 30s; size 65536; }
      set late4 { type ipv4_addr . ether_addr; flags dynamic,timeout; timeout 1h; size 4096; }
      set arrived4 { type ipv4_addr; flags dynamic,timeout; timeout 10m; size 1024; }
      set direct4 { type ipv4_addr; flags dynamic,timeout; timeout 10m; size 1024; }
      chain over {
      }
      chain both {
      }
      chain pick4 {
      }
      chain rest4 {
      }
      chain syn4 {
      }
      chain ipv4 {
      }
      chain watch {
        type filter hook ingress device "eth0.10" priority -1;
      }
      chain in {
        type filter hook ingress device "eth0.10" priority 0;
      }
    }
    flush chain netdev failover_www over
    flush chain netdev failover_www both
    flush chain netdev failover_www pick4
    flush chain netdev failover_www rest4
    flush chain netdev failover_www syn4
    flush chain netdev failover_www ipv4
    flush chain netdev failover_www watch
    flush chain netdev failover_www in
    flush set netdev failover_www frags4
    table netdev failover_www {
      chain over {
        ether saddr set 02:00:00:00:00:11 ether daddr set 02:00:00:00:00:12 fwd to "eth0.10"
      }
      chain both {
        ether saddr set 02:00:00:00:00:11 ether daddr set 02:00:00:00:00:12 dup to "eth0.10" ether daddr set 02:00:00:00:00:11 accept
      }
      chain in {
        meta pkttype != host return
        ether saddr 02:00:00:00:00:12 return
        ip daddr { 10.99.0.100 } goto ipv4
      }
      chain ipv4 {
        icmp type { destination-unreachable, time-exceeded, parameter-problem } goto both
        ip frag-off & 0x1fff != 0 ip saddr . ip daddr . ip id . ip protocol @frags4 goto over
        ip frag-off & 0x3fff == 0x2000 ip saddr . tcp sport . ip daddr . tcp dport @keep4 update @frags4 { ip saddr . ip daddr . ip id . ip protocol }
        ip saddr . tcp sport . ip daddr . tcp dport @keep4 goto over
      }
      chain watch {
      }
    }"
  `);
});

it("new connections are decided once, and those that are known stay", () => {
  const script = load(share(0.2));
  expect(chain(script, "in")).toMatchInlineSnapshot(`
    "    meta pkttype != host return
        ether saddr 02:00:00:00:00:12 return
        ip daddr { 10.99.0.100, 10.99.0.101 } goto ipv4
        ip6 daddr { fd99::100 } goto ipv6
    "
  `);
  expect(chain(script, "ipv4")).toMatchInlineSnapshot(`
    "    icmp type { destination-unreachable, time-exceeded, parameter-problem } goto both
        meta l4proto icmp return
        ip frag-off & 0x1fff != 0 ip saddr . ip daddr . ip id . ip protocol @frags4 goto over
        ip frag-off & 0x3fff == 0x2000 ip saddr . tcp sport . ip daddr . tcp dport @moved4 update @frags4 { ip saddr . ip daddr . ip id . ip protocol }
        ip frag-off & 0x3fff == 0x2000 ip saddr . tcp sport . ip daddr . tcp dport @closing4 update @frags4 { ip saddr . ip daddr . ip id . ip protocol }
        meta l4proto != tcp goto rest4
        tcp flags & (syn | ack) == syn jump syn4
        tcp flags & (fin | rst) != 0 delete @stayed4 { ip saddr . tcp sport . ip daddr . tcp dport } delete @went4 { ip saddr . tcp sport . ip daddr . tcp dport }
        tcp flags & (fin | rst) != 0 ip saddr . tcp sport . ip daddr . tcp dport @moved4 update @closing4 { ip saddr . tcp sport . ip daddr . tcp dport } delete @moved4 { ip saddr . tcp sport . ip daddr . tcp dport }
        ip saddr . tcp sport . ip daddr . tcp dport @moved4 goto over
        ip saddr . tcp sport . ip daddr . tcp dport @closing4 update @closing4 { ip saddr . tcp sport . ip daddr . tcp dport } goto over
    "
  `);
  expect(chain(script, "syn6")).toMatchInlineSnapshot(`
    "    ip6 saddr . tcp sport . ip6 daddr . tcp dport @went6 update @went6 { ip6 saddr . tcp sport . ip6 daddr . tcp dport } return
        ip6 saddr . tcp sport . ip6 daddr . tcp dport @stayed6 update @stayed6 { ip6 saddr . tcp sport . ip6 daddr . tcp dport } return
        delete @moved6 { ip6 saddr . tcp sport . ip6 daddr . tcp dport }
        delete @closing6 { ip6 saddr . tcp sport . ip6 daddr . tcp dport }
        goto pick6
    "
  `);
});

it("another share rewrites the chains that decide, and nothing else", () => {
  expect(pickScript(one, share(0.2, "10.99.0.7", "fd99::7"))).toMatchInlineSnapshot(`
    "flush chain netdev failover_www pick4
    flush chain netdev failover_www rest4
    table netdev failover_www {
      chain pick4 {
        ip saddr { 10.99.0.7 } update @moved4 { ip saddr . tcp sport . ip daddr . tcp dport } update @went4 { ip saddr . tcp sport . ip daddr . tcp dport } return
        jhash ip saddr . tcp sport mod 1000 seed 0x5eed < 200 update @moved4 { ip saddr . tcp sport . ip daddr . tcp dport } update @went4 { ip saddr . tcp sport . ip daddr . tcp dport } return
        update @stayed4 { ip saddr . tcp sport . ip daddr . tcp dport }
      }
      chain rest4 {
        ip saddr { 10.99.0.7 } meta l4proto != { tcp, icmp } goto over
      }
    }"
  `);
  expect(pickScript(one, share(1, "10.99.0.7"))).toMatchInlineSnapshot(`
    "flush chain netdev failover_www pick4
    flush chain netdev failover_www rest4
    table netdev failover_www {
      chain pick4 {
        update @moved4 { ip saddr . tcp sport . ip daddr . tcp dport } update @went4 { ip saddr . tcp sport . ip daddr . tcp dport } return
        update @stayed4 { ip saddr . tcp sport . ip daddr . tcp dport }
      }
      chain rest4 {
        meta l4proto != { tcp, icmp } goto over
      }
    }"
  `);
  expect(pickScript(one, share(0))).toMatchInlineSnapshot(`
    "flush chain netdev failover_www pick4
    flush chain netdev failover_www rest4
    table netdev failover_www {
      chain pick4 {
        update @stayed4 { ip saddr . tcp sport . ip daddr . tcp dport }
      }
      chain rest4 {
      }
    }"
  `);
});

it("shares come in tenths of a per cent, and a share is never nothing or everything by rounding", () => {
  const threshold = (of: number) => /seed 0x5eed < (\d+)/.exec(pickScript(one, share(of)))?.[1];
  expect([0, 0.0001, 0.05, 0.125, 0.9999, 1].map(threshold)).toEqual([
    undefined,
    "1",
    "50",
    "125",
    "999",
    undefined,
  ]);
});

it("whoever let go passes on all but what it keeps", () => {
  expect(chain(load({ kind: "all-but-kept", to }), "ipv6")).toMatchInlineSnapshot(`
    "    icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } goto both
        icmpv6 type nd-neighbor-advert goto both
        frag frag-off != 0 ip6 saddr . ip6 daddr . frag id @frags6 return
        frag frag-off 0 frag more-fragments 1 ip6 saddr . tcp sport . ip6 daddr . tcp dport @keep6 update @frags6 { ip6 saddr . ip6 daddr . frag id }
        ip6 saddr . tcp sport . ip6 daddr . tcp dport @keep6 return
        update @late6 { ip6 saddr . ether saddr }
        tcp flags & (syn | ack) == syn update @moved6 { ip6 saddr . tcp sport . ip6 daddr . tcp dport } update @went6 { ip6 saddr . tcp sport . ip6 daddr . tcp dport }
        goto over
    "
  `);
});

it("the new holder hands back what the other keeps, and records who arrives", () => {
  const script = load({ kind: "kept", to }, to);
  expect(chain(script, "ipv4")).toMatchInlineSnapshot(`
    "    icmp type { destination-unreachable, time-exceeded, parameter-problem } goto both
        ip frag-off & 0x1fff != 0 ip saddr . ip daddr . ip id . ip protocol @frags4 goto over
        ip frag-off & 0x3fff == 0x2000 ip saddr . tcp sport . ip daddr . tcp dport @keep4 update @frags4 { ip saddr . ip daddr . ip id . ip protocol }
        ip saddr . tcp sport . ip daddr . tcp dport @keep4 goto over
    "
  `);
  expect(chain(script, "watch")).toMatchInlineSnapshot(`
    "    ether saddr 02:00:00:00:00:12 ip daddr { 10.99.0.100, 10.99.0.101 } update @arrived4 { ip saddr }
        ether saddr != 02:00:00:00:00:12 ip daddr { 10.99.0.100, 10.99.0.101 } tcp flags & (syn | ack) == syn update @direct4 { ip saddr }
        meta pkttype host ip daddr != { 10.99.0.100, 10.99.0.101 } tcp flags & (syn | ack) == syn update @direct4 { ip saddr }
        ether saddr 02:00:00:00:00:12 ip6 daddr { fd99::100 } update @arrived6 { ip6 saddr }
        ether saddr != 02:00:00:00:00:12 ip6 daddr { fd99::100 } tcp flags & (syn | ack) == syn update @direct6 { ip6 saddr }
        meta pkttype host ip6 daddr != { fd99::100 } tcp flags & (syn | ack) == syn update @direct6 { ip6 saddr }
    "
  `);
});

it("the list of the move is loaded in portions, without what is no flow of the pair", () => {
  const flow = { address: "fd99::100", port: 443, client: "2001:DB8::1", clientPort: 50000 };
  const flows = [
    ...Array.from({ length: 600 }, (_, index) => ({ ...flow, clientPort: 1024 + index })),
    { ...flow, address: "192.0.2.1", client: "192.0.2.2" },
    { ...flow, client: "192.0.2.2" },
  ];
  const lines = [...keepElements(both, flows)];
  expect(lines.map((line) => line.split(",").length)).toEqual([500, 100]);
  expect(lines[1]).toMatch(
    /^add element netdev failover_www keep6 \{ 2001:db8::1 \. 1524 \. fd99::100 \. 443, 2001/,
  );
  expect(keepScript(both, lines).split("\n").slice(-4)).toEqual([
    "flush set netdev failover_www keep4",
    "flush set netdev failover_www keep6",
    ...lines,
  ]);
});

it("stragglers are forgotten, and the table removed, wherever it is", () => {
  expect(forgetScript(one)).toBe("flush set netdev failover_www late4");
  expect(removeScript("failover_www")).toBe(
    "add table netdev failover_www\ndelete table netdev failover_www",
  );
});

it("only another share of the same diversion is a matter of the chains that decide", () => {
  const at = (diversion: Diversion): Load => ({
    diversion,
    arrivalsFrom: undefined,
    ownMac: one.ownMac,
  });
  const change = (loaded: Load | "nothing" | "unknown", aim: Load, more = {}): string =>
    changeScript(one, { loaded, aim, afresh: false, elements: undefined, ...more });
  const whole = (from: Load | "nothing" | "unknown", aim: Load): boolean =>
    change(from, aim).includes("chain in");
  expect(whole(at(share(0)), at(share(1)))).toBe(false);
  expect(whole("unknown", at(share(1)))).toBe(true);
  expect(whole(at(noDiversion), at(share(1)))).toBe(true);
  expect(whole(at({ ...share(0), to: "02:00:00:00:00:99" }), at(share(1)))).toBe(true);
  expect(whole({ ...at(share(0)), ownMac: "02:00:00:00:00:99" }, at(share(1)))).toBe(true);
  expect(same(at(share(0)), at(share(0)))).toBe(true);
});

it("what was declared is not declared again, and what is there not loaded again", () => {
  const aim = { diversion: share(1), arrivalsFrom: undefined, ownMac: one.ownMac };
  const base = { aim, afresh: false, elements: undefined };
  const elements = [
    "add element netdev failover_www keep4 { 10.99.0.7 . 40000 . 10.99.0.100 . 80 }",
  ];
  const declared = declareScript(one);
  expect(changeScript(one, { ...base, loaded: "unknown" })).toContain(declared);
  expect(
    changeScript(one, { ...base, loaded: "unknown", elements }).split("chain over {\n  }"),
  ).toHaveLength(2);
  expect(changeScript(one, { ...base, loaded: aim, elements })).toBe(keepScript(one, elements));
  const afresh = changeScript(one, { ...base, loaded: aim, elements, afresh: true });
  expect(afresh.startsWith(`${removeScript("failover_www")}\n${declared}\nflush set`)).toBe(true);
  expect(afresh).toContain("goto pick4");
});

it("a line of the log says what a script is for", () => {
  const words = (diversion: Diversion, kept = 0): string =>
    purposeWords({ diversion, arrivalsFrom: undefined }, kept);
  expect([
    words(share(0)),
    words(share(0.125, "10.99.0.7", "fd99::7")),
    words({ kind: "all-but-kept", to }, 15),
    words({ kind: "kept", to }, 1),
    words(noDiversion),
  ]).toMatchInlineSnapshot(`
    [
      "pass no new connections to 02:00:00:00:00:12",
      "pass 12.5 % of new connections, and those of 10.99.0.7, fd99::7, to 02:00:00:00:00:12",
      "pass all but 15 kept connections to 02:00:00:00:00:12",
      "pass 1 kept connection back to 02:00:00:00:00:12",
      "only look who arrives",
    ]
  `);
});

it("a poke is a bare ACK that fits nothing", () => {
  const random = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const flow = { address: "10.99.0.100", port: 80, client: "10.99.0.7", clientPort: 40000 };
  expect(pokePacket(flow, random).toString("hex")).toMatchInlineSnapshot(
    `"4500000000000000400600000a6300640a63000700509c40010203040506070850100400e9ff0000"`,
  );
  const six = { ...flow, address: "fd99::100", client: "fd99::7" };
  expect(pokePacket(six, random)).toHaveLength(60);
});
