import { expect, test } from "vitest";

import { parseConfiguration } from "../../src/cli/configuration/parse.ts";
import { verdictOn } from "../../src/cli/daemon/waiting-verdict.ts";
import { dryRunLines, refusalsNow } from "../../src/cli/dry-run-command.ts";
import { type PlanOptions, planSwap } from "../../src/cli/swap-plan.ts";
import { plainPaint } from "../../src/cli/terminal.ts";
import { aHandover, aStatus } from "./cli-fixtures.ts";

const macs = { primary: "02:00:00:00:00:11", backup: "02:00:00:00:00:12" };

function planned(text: string, options: Partial<PlanOptions> = {}): string {
  const parsed = parseConfiguration(text);
  if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
  const plan = planSwap(parsed.configuration, { target: "backup", cut: false, macs, ...options });
  return `\n${dryRunLines(plan, [], plainPaint).join("\n")}\n`;
}

test("in cut mode a dry run prints every command of both machines in its order", () => {
  const plan = planned(`
pair: www
swap: { mode: cut }
address: [203.0.113.10, 2001:db8::10]
routes: [default via 203.0.113.1 src 203.0.113.10]
domain: www.example.org
key: /etc/failover/key
nodes:
  primary: { interface: eth0, paths: [203.0.113.11] }
  backup: { interface: eth1, paths: [203.0.113.12], accessLog: [/var/log/a.log, /var/log/b.log] }
`);
  expect(plan).toMatchInlineSnapshot(`
    "
    In cut mode:
    primary measures what it serves
        # counts requests and errors in /var/log/nginx/access.log
    backup gets the address, unseen
        nft 'add table arp failover_www
        delete table arp failover_www
        table arp failover_www {
          set held { type ipv4_addr; elements = { 203.0.113.10 }; }
          chain in {
            type filter hook input priority 0;
            arp operation request arp daddr ip @held drop
          }
          chain out {
            type filter hook output priority 0;
            arp saddr ip @held arp saddr ip set 203.0.113.12
          }
        }'
        ip addr add 203.0.113.10/32 dev lo
        ip addr add 2001:db8::10/128 dev lo nodad
    backup asks itself for a page
        curl -sS -o /dev/null --connect-to ::203.0.113.10:80 http://www.example.org:80/
        # expects status 200-399, and the line in /var/log/a.log, /var/log/b.log
    primary lets nobody new in, for a moment
        nft 'add table inet failover_www
        delete table inet failover_www
        table inet failover_www {
          chain in {
            type filter hook input priority -150;
            ip daddr 203.0.113.10 tcp flags & (syn | ack) == syn drop
            ip6 daddr 2001:db8::10 tcp flags & (syn | ack) == syn drop
          }
        }'
    primary lets the address go
        ip route del default via 203.0.113.1 src 203.0.113.10
        ip addr del 203.0.113.10/32 dev eth0
        ip addr del 2001:db8::10/128 dev eth0
        nft 'add table inet failover_www
        delete table inet failover_www'
    backup takes the address
        ip addr add 203.0.113.10/32 dev eth1 valid_lft 2 preferred_lft 2
        ip addr add 2001:db8::10/128 dev eth1 valid_lft 2 preferred_lft 0 nodad
        ip route add default via 203.0.113.1 src 203.0.113.10
        ip addr del 203.0.113.10/32 dev lo
        ip addr del 2001:db8::10/128 dev lo
        nft 'delete table arp failover_www'
    backup tells the network
        arping -c 1 -U -I eth1 203.0.113.10
        arping -c 1 -A -I eth1 203.0.113.10
        # sends an unsolicited neighbour advertisement for 2001:db8::10 on eth1
    backup proves that it serves
        # counts requests and errors in /var/log/a.log, /var/log/b.log
        # at least 10 requests in 30 s, errors at most 1 % above those of primary
    backup lets the address go, if the proof does not come
        ip route del default via 203.0.113.1 src 203.0.113.10
        ip addr del 203.0.113.10/32 dev eth1
        ip addr del 2001:db8::10/128 dev eth1
    primary takes it back, in that case
        ip addr add 203.0.113.10/32 dev eth0 valid_lft 2 preferred_lft 2
        ip addr add 2001:db8::10/128 dev eth0 valid_lft 2 preferred_lft 0 nodad
        ip route add default via 203.0.113.1 src 203.0.113.10
        arping -c 1 -U -I eth0 203.0.113.10
        arping -c 1 -A -I eth0 203.0.113.10
        # sends an unsolicited neighbour advertisement for 2001:db8::10 on eth0
    Nothing was moved
    "
  `);
});

const small = `
pair: www
address: 203.0.113.10
key: /etc/failover/key
hooks: { drain: nginx -s reload }
nodes:
  primary: { interface: eth0, paths: [203.0.113.11] }
  backup: { interface: eth1, paths: [203.0.113.12] }
`;

test("in drain mode a dry run prints every command of both machines in its order", () => {
  expect(planned(small)).toMatchInlineSnapshot(`
    "
    In drain mode:
    primary measures what it serves
        # counts requests and errors in /var/log/nginx/access.log
    primary remembers who comes, and passes nobody on yet
        nft 'table netdev failover_www {
          counter given { }
          counter stayed { }
          set moved4 { type ipv4_addr . inet_service . ipv4_addr . inet_service; flags dynamic; size 262144; }
          set closing4 { type ipv4_addr . inet_service . ipv4_addr . inet_service; flags dynamic,timeout; timeout 5m; size 262144; }
          set went4 { type ipv4_addr . inet_service . ipv4_addr . inet_service; flags dynamic,timeout; timeout 10s; size 65536; }
          set stayed4 { type ipv4_addr . inet_service . ipv4_addr . inet_service; flags dynamic,timeout; timeout 10s; size 65536; }
          set keep4 { type ipv4_addr . inet_service . ipv4_addr . inet_service; }
          set frags4 { typeof ip saddr . ip daddr . ip id . ip protocol; flags dynamic,timeout; timeout 30s; size 65536; }
          set late4 { type ipv4_addr . ether_addr; flags dynamic,timeout; timeout 1h; size 4096; counter; }
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
            type filter hook ingress device "eth0" priority -1;
          }
          chain in {
            type filter hook ingress device "eth0" priority 0;
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
            ether saddr set 02:00:00:00:00:11 ether daddr set 02:00:00:00:00:12 fwd to "eth0"
          }
          chain both {
            ether saddr set 02:00:00:00:00:11 ether daddr set 02:00:00:00:00:12 dup to "eth0" ether daddr set 02:00:00:00:00:11 accept
          }
          chain in {
            meta pkttype != host return
            ether saddr 02:00:00:00:00:12 return
            ip daddr { 203.0.113.10 } goto ipv4
          }
          chain ipv4 {
            icmp type { destination-unreachable, time-exceeded, parameter-problem } goto both
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
          }
          chain syn4 {
            ip saddr . tcp sport . ip daddr . tcp dport @went4 update @went4 { ip saddr . tcp sport . ip daddr . tcp dport } return
            ip saddr . tcp sport . ip daddr . tcp dport @stayed4 update @stayed4 { ip saddr . tcp sport . ip daddr . tcp dport } return
            delete @moved4 { ip saddr . tcp sport . ip daddr . tcp dport }
            delete @closing4 { ip saddr . tcp sport . ip daddr . tcp dport }
            goto pick4
          }
          chain pick4 {
            update @stayed4 { ip saddr . tcp sport . ip daddr . tcp dport } counter name stayed
          }
          chain rest4 {
          }
          chain watch {
          }
        }'
        # 4.0 s pass: who was about to connect is known then, and stays
    backup gets the address, unseen
        nft 'add table arp failover_www
        delete table arp failover_www
        table arp failover_www {
          set held { type ipv4_addr; elements = { 203.0.113.10 }; }
          chain in {
            type filter hook input priority 0;
            arp operation request arp daddr ip @held drop
          }
          chain out {
            type filter hook output priority 0;
            arp saddr ip @held arp saddr ip set 203.0.113.12
          }
        }'
        ip addr add 203.0.113.10/32 dev lo
    backup asks itself for a page
        curl -sS -o /dev/null http://203.0.113.10:80/
        # expects status 200-399, and the line in /var/log/nginx/access.log
    primary passes 100 % of new connections on
        nft 'flush chain netdev failover_www pick4
        flush chain netdev failover_www rest4
        table netdev failover_www {
          chain pick4 {
            update @moved4 { ip saddr . tcp sport . ip daddr . tcp dport } update @went4 { ip saddr . tcp sport . ip daddr . tcp dport } counter name given return
            update @stayed4 { ip saddr . tcp sport . ip daddr . tcp dport } counter name stayed
          }
          chain rest4 {
            meta l4proto != { tcp, icmp } goto over
          }
        }'
    backup notes who comes by way of primary
        nft 'table netdev failover_www {
          counter given { }
          counter stayed { }
          set moved4 { type ipv4_addr . inet_service . ipv4_addr . inet_service; flags dynamic; size 262144; }
          set closing4 { type ipv4_addr . inet_service . ipv4_addr . inet_service; flags dynamic,timeout; timeout 5m; size 262144; }
          set went4 { type ipv4_addr . inet_service . ipv4_addr . inet_service; flags dynamic,timeout; timeout 10s; size 65536; }
          set stayed4 { type ipv4_addr . inet_service . ipv4_addr . inet_service; flags dynamic,timeout; timeout 10s; size 65536; }
          set keep4 { type ipv4_addr . inet_service . ipv4_addr . inet_service; }
          set frags4 { typeof ip saddr . ip daddr . ip id . ip protocol; flags dynamic,timeout; timeout 30s; size 65536; }
          set late4 { type ipv4_addr . ether_addr; flags dynamic,timeout; timeout 1h; size 4096; counter; }
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
            type filter hook ingress device "eth1" priority -1;
          }
          chain in {
            type filter hook ingress device "eth1" priority 0;
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
            ether saddr set 02:00:00:00:00:12 ether daddr set 02:00:00:00:00:11 fwd to "eth1"
          }
          chain both {
            ether saddr set 02:00:00:00:00:12 ether daddr set 02:00:00:00:00:11 dup to "eth1" ether daddr set 02:00:00:00:00:12 accept
          }
          chain in {
            meta pkttype != host return
            ether saddr 02:00:00:00:00:11 return
            ip daddr { 203.0.113.10 } goto ipv4
          }
          chain ipv4 {
            icmp type { destination-unreachable, time-exceeded, parameter-problem } goto both
            ip frag-off & 0x1fff != 0 ip saddr . ip daddr . ip id . ip protocol @frags4 goto over
            ip frag-off & 0x3fff == 0x2000 ip saddr . tcp sport . ip daddr . tcp dport @keep4 update @frags4 { ip saddr . ip daddr . ip id . ip protocol }
            ip saddr . tcp sport . ip daddr . tcp dport @keep4 goto over
          }
          chain watch {
            ether saddr 02:00:00:00:00:11 ip daddr { 203.0.113.10 } update @arrived4 { ip saddr }
            ether saddr != 02:00:00:00:00:11 ip daddr { 203.0.113.10 } tcp flags & (syn | ack) == syn update @direct4 { ip saddr }
            meta pkttype host ip daddr != { 203.0.113.10 } tcp flags & (syn | ack) == syn update @direct4 { ip saddr }
          }
        }'
    backup proves that it serves them
        # counts requests and errors in /var/log/nginx/access.log, of those that were passed on
        # at least 10 requests in 30 s, errors at most 1 % above those of primary
    primary lists the connections that stay
        # as ss --tcp --numeric src 203.0.113.10 shows them
        nft 'flush set netdev failover_www keep4
        # add element netdev failover_www keep4 { CLIENT . PORT . ADDRESS . PORT, ... }'
    backup is told the list, and hands those back
        nft 'flush set netdev failover_www keep4
        # add element netdev failover_www keep4 { CLIENT . PORT . ADDRESS . PORT, ... }'
    primary passes everything else on, whoever sends it
        ip addr add 203.0.113.10/32 dev lo
        nft 'flush chain netdev failover_www over
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
            ether saddr set 02:00:00:00:00:11 ether daddr set 02:00:00:00:00:12 fwd to "eth0"
          }
          chain both {
            ether saddr set 02:00:00:00:00:11 ether daddr set 02:00:00:00:00:12 dup to "eth0" ether daddr set 02:00:00:00:00:11 accept
          }
          chain in {
            meta pkttype != host return
            ether saddr 02:00:00:00:00:12 return
            ip daddr { 203.0.113.10 } goto ipv4
          }
          chain ipv4 {
            icmp type { destination-unreachable, time-exceeded, parameter-problem } goto both
            ip frag-off & 0x1fff != 0 ip saddr . ip daddr . ip id . ip protocol @frags4 return
            ip frag-off & 0x3fff == 0x2000 ip saddr . tcp sport . ip daddr . tcp dport @keep4 update @frags4 { ip saddr . ip daddr . ip id . ip protocol }
            ip saddr . tcp sport . ip daddr . tcp dport @keep4 return
            update @late4 { ip saddr . ether saddr }
            goto over
          }
          chain watch {
          }
        }'
    backup takes the address
        ip addr add 203.0.113.10/32 dev eth1 valid_lft 2 preferred_lft 2
        ip addr del 203.0.113.10/32 dev lo
        nft 'delete table arp failover_www'
    backup tells the network
        arping -c 1 -U -I eth1 203.0.113.10
        arping -c 1 -A -I eth1 203.0.113.10
    primary lets the address go, and keeps what is open
        nft 'add table arp failover_www
        delete table arp failover_www
        table arp failover_www {
          set held { type ipv4_addr; elements = { 203.0.113.10 }; }
          chain in {
            type filter hook input priority 0;
            arp operation request arp daddr ip @held drop
          }
          chain out {
            type filter hook output priority 0;
            arp saddr ip @held arp saddr ip set 203.0.113.11
          }
        }'
        ip addr del 203.0.113.10/32 dev eth0
        nft 'flush set netdev failover_www late4'
    primary ends what it has
        /bin/sh -c 'nginx -s reload'
        # waits until no connection and no neighbour is left, for 1 min 0 s at most; then ends what is left:
        ss --kill --tcp --no-header src 203.0.113.10
    primary is idle
        nft 'add table netdev failover_www
        delete table netdev failover_www'
        ip addr del 203.0.113.10/32 dev lo
        nft 'delete table arp failover_www'
    backup hands nothing back any more
        nft 'add table netdev failover_www
        delete table netdev failover_www'
    primary passes no new connection on, if the proof does not come
        nft 'flush chain netdev failover_www pick4
        flush chain netdev failover_www rest4
        table netdev failover_www {
          chain pick4 {
            update @stayed4 { ip saddr . tcp sport . ip daddr . tcp dport } counter name stayed
          }
          chain rest4 {
          }
        }'
    backup ends what was passed on, in that case
        nft 'add table netdev failover_www
        delete table netdev failover_www'
        # and when the last of those connections has ended:
        ip addr del 203.0.113.10/32 dev lo
        nft 'delete table arp failover_www'
    primary forgets it, in that case
        nft 'add table netdev failover_www
        delete table netdev failover_www'
    Nothing was moved
    "
  `);
});

/** Node and title of each step. */
const titles = (plan: string): string[] =>
  plan.split("\n").filter((line) => /^(pri|back)/.test(line));

test("every share of new connections is a step, and so is its proof", () => {
  const steps = titles(planned(`${small}swap: { steps: [5%, 50%, 100%] }\n`)).slice(4, 11);
  expect(steps).toEqual([
    "primary passes 5 % of new connections on",
    "backup notes who comes by way of primary",
    "backup proves that it serves them",
    "primary passes 50 % of new connections on",
    "backup proves that it serves them",
    "primary passes 100 % of new connections on",
    "backup proves that it serves them",
  ]);
});

test("a share that is held goes back, and nothing moves", () => {
  const plan = planned(small, { share: 0.2 });
  expect(plan).toContain("seed 0x5eed < 200 update");
  expect(titles(plan).slice(-3)).toEqual([
    "primary passes no new connection on, when its time is over",
    "backup ends what was passed on, in that case",
    "primary forgets it, in that case",
  ]);
  expect(plan).not.toContain("addr del 203.0.113.10/32 dev eth0");
});

test("a hook is printed as it would have to be typed", () => {
  const plan = planned(
    small.replace("nginx -s reload", `"logger 'moving' && systemctl reload apache2"`),
  );
  expect(plan).toContain(`/bin/sh -c 'logger '\\''moving'\\'' && systemctl reload apache2'`);
});

test("asked for, cut mode is planned whatever the configuration says", () => {
  const plan = planned(small, { cut: true });
  expect(plan).toContain("\nIn cut mode:\n");
  expect(plan).not.toContain("netdev");
});

test("a drain that waits has no end of its own, and an unknown MAC is named", () => {
  const plan = planned(small, { drainTime: Number.POSITIVE_INFINITY, macs: {} });
  expect(plan).toContain("no neighbour is left, as long as it takes; then");
  expect(plan).toContain("ether daddr set MAC-of-backup");
});

test("with IPv6 beside it, the list of the move has one set a family", () => {
  const plan = planned(small.replace("203.0.113.10\n", "[203.0.113.10, 2001:db8::10]\n"));
  expect(plan).toContain("add element netdev failover_www keep6 {");
  expect(plan).toContain("ss --kill --tcp --no-header src 2001:db8::10");
});

test("an IPv6 address needs no mute", () => {
  const plan = planned(`
pair: www
address: 2001:db8::10
key: /etc/failover/key
lease: 3s
nodes:
  primary: { interface: eth0, paths: [2001:db8::11] }
  backup: { interface: eth0, paths: [2001:db8::12] }
`);
  expect(plan).not.toContain("table arp");
  expect(plan).toContain("curl -sS -o /dev/null 'http://[2001:db8::10]:80/'");
  expect(plan).toContain("ip addr add 2001:db8::10/128 dev eth0 valid_lft 3 preferred_lft 0 nodad");
});

test("an address with an interface of its own moves there", () => {
  const plan = planned(`
pair: www
address: [203.0.113.10, { address: 198.51.100.10, interface: eth9 }]
key: /etc/failover/key
nodes:
  primary: { interface: eth0, paths: [203.0.113.11] }
  backup: { interface: eth0, paths: [203.0.113.12] }
`);
  expect(plan).toContain(
    "ip addr del 203.0.113.10/32 dev eth0\n    ip addr del 198.51.100.10/32 dev eth9",
  );
  expect(plan).toContain("arping -c 1 -U -I eth9 198.51.100.10");
});

test("a dry run in a quiet hour finds no reason to refuse", () => {
  expect(refusalsNow(aStatus(), "backup")).toEqual([]);
});

test("a share or a preview that is held is gone on from, typed or at its hour", () => {
  const status = aStatus({ handover: aHandover({ phase: "proved", mode: "drain", held: true }) });
  expect(refusalsNow(status, "backup")).toEqual([]);
  expect(verdictOn(status, "backup")).toEqual({ kind: "free" });
});

test("a dry run tells on which machine a share is typed", () => {
  const there = aStatus({ node: "backup", peer: { ...aStatus().peer, node: "primary" } });
  expect(refusalsNow(there, "backup", { share: 0.05 })).toEqual([
    "backup does not hold the address; type the same command on primary",
  ]);
  expect(refusalsNow(there, "backup", {})).toEqual([]);
  expect(refusalsNow(aStatus(), "backup", { share: 0.05, drain: 1000 })).toEqual([]);
});

test.each([
  [{ frozen: true }, "the pair is frozen; failover thaw ends that"],
  [{ peer: { ...aStatus().peer, heard: false } }, "backup is not heard"],
  [{ peer: { ...aStatus().peer, heard: false, hearsUsAge: null } }, "backup is not heard"],
  [{ peer: { ...aStatus().peer, hearsUsAge: null } }, "backup does not hear primary"],
  [{ peer: { ...aStatus().peer, able: false } }, "backup says that it cannot take over"],
  [
    { peer: { ...aStatus().peer, configuration: "0000000000000000" } },
    "backup runs with another configuration",
  ],
  [{ handover: aHandover() }, "the handover primary → backup is not over yet"],
] as const)("a dry run tells what would refuse the swap: %#", (changes, sentence) => {
  expect(refusalsNow(aStatus(changes), "backup")).toEqual([sentence]);
});
