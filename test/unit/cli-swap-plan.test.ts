import { expect, test } from "vitest";

import { parseConfiguration } from "../../src/cli/configuration/parse.ts";
import { dryRunLines, refusalsNow } from "../../src/cli/dry-run-command.ts";
import { planSwap } from "../../src/cli/swap-plan.ts";
import { plainPaint } from "../../src/cli/terminal.ts";
import { aHandover, aStatus } from "./cli-fixtures.ts";

function planned(text: string): string {
  const parsed = parseConfiguration(text);
  if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
  return `\n${dryRunLines(planSwap(parsed.configuration, "backup"), [], plainPaint).join("\n")}\n`;
}

test("a dry run prints every command of both machines in its order", () => {
  const plan = planned(`
pair: www
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
