import { expect, test } from "vitest";

import { verdictOn } from "../../src/cli/daemon/waiting-verdict.ts";
import { dryRunLines, refusalsNow } from "../../src/cli/dry-run-command.ts";
import { type PlanOptions, planSwap } from "../../src/cli/swap-plan.ts";
import { plainPaint } from "../../src/cli/terminal.ts";
import type { ByShare } from "../../src/core/diversion.ts";
import { declareScript, loadScript, pickScript } from "../../src/linux/diversion/rules.ts";
import { parseAddress } from "../../src/linux/ip-address.ts";
import { aHandover, aStatus, configurationOf } from "./cli-fixtures.ts";

const macs = { primary: "02:00:00:00:00:11", backup: "02:00:00:00:00:12" };

function planned(text: string, options: Partial<PlanOptions> = {}): string {
  const plan = planSwap(configurationOf(text), { target: "backup", cut: false, macs, ...options });
  return `\n${dryRunLines(plan, [], plainPaint).join("\n")}\n`;
}

/** The long scripts by name: linux-diversion.test.ts has every line of them. */
function byName(plan: string): string {
  const common = { table: "failover_www", addresses: [parseAddress("203.0.113.10")] };
  const primary = { ...common, device: "eth0", ownMac: macs.primary };
  const backup = { ...common, device: "eth1", ownMac: macs.backup };
  const to = macs.backup;
  const share = (of: number): ByShare => ({ kind: "share", to, share: of, testers: [] });
  const back = { kind: "kept", to: macs.primary } as const;
  const scripts = {
    "declare on eth0": declareScript(primary),
    "declare on eth1": declareScript(backup),
    "load share 0": loadScript(primary, { diversion: share(0), arrivalsFrom: undefined }),
    "pick share 0": pickScript(primary, share(0)),
    "pick share 1": pickScript(primary, share(1)),
    "load kept, with arrivals": loadScript(backup, { diversion: back, arrivalsFrom: back.to }),
    "load all but kept": loadScript(primary, {
      diversion: { kind: "all-but-kept", to },
      arrivalsFrom: undefined,
    }),
  };
  return Object.entries(scripts).reduce(
    (text, [name, script]) =>
      text.replaceAll(script.replaceAll("\n", `\n${" ".repeat(4)}`), `[${name}]`),
    plan,
  );
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
        ip route add default via 203.0.113.1 src 203.0.113.10 proto 94
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
        ip route del default via 203.0.113.1 src 203.0.113.10 proto 94
        ip addr del 203.0.113.10/32 dev eth0
        ip addr del 2001:db8::10/128 dev eth0
        nft 'add table inet failover_www
        delete table inet failover_www'
    backup takes the address
        ip addr add 203.0.113.10/32 dev eth1 valid_lft 2 preferred_lft 2
        ip addr add 2001:db8::10/128 dev eth1 valid_lft 2 preferred_lft 0 nodad
        nft 'delete table arp failover_www'
        ip addr del 203.0.113.10/32 dev lo
        ip addr del 2001:db8::10/128 dev lo
    backup tells the network
        arping -c 1 -U -I eth1 203.0.113.10
        arping -c 1 -A -I eth1 203.0.113.10
        # sends an unsolicited neighbour advertisement for 2001:db8::10 on eth1
    backup proves that it serves
        # counts requests and errors in /var/log/a.log, /var/log/b.log
        # at least 10 requests in 30 s, errors at most 1 % above those of primary
    backup lets the address go, if the proof does not come
        ip route del default via 203.0.113.1 src 203.0.113.10 proto 94
        ip addr del 203.0.113.10/32 dev eth1
        ip addr del 2001:db8::10/128 dev eth1
    primary takes it back, in that case
        ip addr add 203.0.113.10/32 dev eth0 valid_lft 2 preferred_lft 2
        ip addr add 2001:db8::10/128 dev eth0 valid_lft 2 preferred_lft 0 nodad
        ip route add default via 203.0.113.1 src 203.0.113.10 proto 94
        arping -c 1 -U -I eth0 203.0.113.10
        arping -c 1 -A -I eth0 203.0.113.10
        # sends an unsolicited neighbour advertisement for 2001:db8::10 on eth0
    Nothing was moved
    "
  `);
});

test("a service with an interface of its own is put up before anything moves, and down at the end", () => {
  const plan = planned(`
pair: www
takeover: link
address: 203.0.113.10
routes: [203.0.113.0/24 dev eth1, default via 203.0.113.1 metric 10]
key: /etc/failover/key
nodes:
  primary: { interface: eth1, paths: [10.0.0.1] }
  backup: { interface: eth1, paths: [10.0.0.2] }
`);
  const lines = plan.split("\n").filter((line) => /^\S| ip (link|route|addr)/.test(line));
  expect(lines.join("\n")).toMatchInlineSnapshot(`
    "In cut mode:
    primary measures what it serves
    backup gets the address, unseen
        ip link set dev eth1 up
        ip addr add 203.0.113.10/32 dev lo
    backup asks itself for a page
    primary lets nobody new in, for a moment
    primary lets the address go
        ip route del default via 203.0.113.1 metric 10 proto 94
        ip route del 203.0.113.0/24 dev eth1 proto 94
        ip addr del 203.0.113.10/32 dev eth1
    backup takes the address
        ip addr add 203.0.113.10/32 dev eth1 valid_lft 2 preferred_lft 2
        ip route add 203.0.113.0/24 dev eth1 proto 94
        ip route add default via 203.0.113.1 metric 10 proto 94
        ip addr del 203.0.113.10/32 dev lo
    backup tells the network
    backup proves that it serves
    primary puts its interface down, a second later
        ip link set dev eth1 down
    backup lets the address go, if the proof does not come
        ip route del default via 203.0.113.1 metric 10 proto 94
        ip route del 203.0.113.0/24 dev eth1 proto 94
        ip addr del 203.0.113.10/32 dev eth1
    primary takes it back, in that case
        ip addr add 203.0.113.10/32 dev eth1 valid_lft 2 preferred_lft 2
        ip route add 203.0.113.0/24 dev eth1 proto 94
        ip route add default via 203.0.113.1 metric 10 proto 94
    Nothing was moved"
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
  expect(byName(planned(small))).toMatchInlineSnapshot(`
    "
    In drain mode:
    primary measures what it serves
        # counts requests and errors in /var/log/nginx/access.log
    primary remembers who comes, and passes nobody on yet
        nft '[declare on eth0]
        [load share 0]'
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
        nft '[pick share 1]'
    backup notes who comes by way of primary
        nft '[declare on eth1]
        [load kept, with arrivals]'
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
        nft '[load all but kept]'
    backup takes the address
        ip addr add 203.0.113.10/32 dev eth1 valid_lft 2 preferred_lft 2
        nft 'delete table arp failover_www'
        ip addr del 203.0.113.10/32 dev lo
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
        nft '[pick share 0]'
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
