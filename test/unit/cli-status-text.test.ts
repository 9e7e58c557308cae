import { expect, test } from "vitest";

import { happened, span } from "../../src/cli/spans.ts";
import { statusLines } from "../../src/cli/status-text.ts";
import type { Paint } from "../../src/cli/terminal.ts";
import { plainPaint } from "../../src/cli/terminal.ts";
import { counted } from "../../src/core/counted.ts";
import { aHandover, aStatus } from "./cli-fixtures.ts";

const shown = (...args: Parameters<typeof aStatus>): string =>
  `\n${statusLines(aStatus(...args), plainPaint).join("\n")}\n`;

test("the status of a holder tells who, why, and how old each fact is", () => {
  expect(shown()).toMatchInlineSnapshot(`
    "
    www on primary: holding for 4 min 2 s, epoch 7

      holder    primary, for 4 min 2 s
      why       Holds the address: backup lets it (4 min 1 s)
      address   203.0.113.10  eth0  here, observed 12 ms ago
                2001:db8::10  eth0  here, observed 12 ms ago
      service   well, port 80 seen listening 640 ms ago
      network   carrier, peer heard, witness seen, since 1 h 1 min
      witness   203.0.113.1 seen 870 ms ago
      peer      backup: standby, epoch 7, able to take over, service well
                heard 34 ms ago, heard us 61 ms ago
                there: carrier, peer heard, witness seen
      paths     203.0.113.11 → 203.0.113.12 (service network): heard 34 ms ago, heard us 61 ms ago
                  received 24310, sent 24296, dropped 3 wrong-key
                  longest gap 131 ms: deadTime 200 ms would do
                192.168.250.1 → 192.168.250.2: never heard, never heard us
                  received 0, sent 24296
      handover  none
      last      no handover since the agent started
      alerts    none
    "
  `);
});

test("the status of a standby that hears nobody says so", () => {
  const silent = {
    heard: false,
    heardAge: null,
    hearsUsAge: null,
    role: null,
    epoch: null,
    able: null,
    released: null,
    diverts: null,
    service: null,
    network: null,
    mac: null,
    configuration: null,
  };
  expect(
    shown({
      role: "boot",
      holder: null,
      blind: true,
      released: true,
      frozen: true,
      peer: { node: "backup", ...silent },
      paths: [],
      witness: { addresses: [], seenAge: null, broken: false },
      service: { health: "unwatched", port: 80, age: null },
      alerts: [{ sentence: "The peer cannot\nhear us", age: 61_000 }],
    }),
  ).toMatchInlineSnapshot(`
    "
    www on primary: boot for 4 min 2 s, epoch 7 (blind), released, frozen

      holder    nobody is known, for 4 min 2 s
      why       Holds the address: backup lets it (4 min 1 s)
      address   203.0.113.10  eth0  here, observed 12 ms ago
                2001:db8::10  eth0  here, observed 12 ms ago
      service   unwatched, port 80 never seen listening
      network   carrier, peer heard, witness seen, since 1 h 1 min
      witness   none
      peer      backup: never heard
      handover  none
      last      no handover since the agent started
      alerts    The peer cannot hear us (for 1 min 1 s)
    "
  `);
});

test("the status tells of a swap in drain mode what is handed over and what is left", () => {
  const handover = aHandover({
    phase: "diverting",
    mode: "drain",
    share: 0.05,
    held: true,
    connections: { from: 40, to: 1 },
    stragglers: 2,
  });
  expect(shown({ handover })).toContain(
    "primary → backup: diverting for 1.1 s, 5 % of new connections, held," +
      " 40 connections on primary, 1 connection on backup, 2 stragglers",
  );
});

test("the status shows a handover with its counts, and how the last one ended", () => {
  const served = { requests: 7, errors: 0, span: 2000 };
  const handover = aHandover({ phase: "verifying", served });
  const lastHandover = {
    id: "ba9876543210",
    from: "backup",
    to: "primary",
    outcome: "rolled-back",
    reason: "3 of 10 requests failed",
    served: { requests: 10, errors: 3, span: 900 },
    age: 86_400_000 * 2.2,
  } as const;
  const lines = shown({ handover, lastHandover }).split("\n");
  expect(lines.filter((line) => /^ {2}(handover|last)/.test(line))).toEqual([
    "  handover  primary → backup: verifying for 1.1 s, 7 of 10 requests, 0 errors",
    "  last      backup → primary rolled-back 2 d 4 h ago, 10 requests, 3 errors: " +
      "3 of 10 requests failed",
  ]);
});

test("the status lists the swaps that wait, where there are any", () => {
  const swap = { id: "0123456789ab", node: "backup", at: "2026-11-22T03:40+01:00", age: 1000 };
  const waiting = [
    { ...swap, state: "checking", in: -20, kept: true },
    { ...swap, state: "waiting", in: 11_100_000, kept: false },
  ] as const;
  const lines = shown({ waiting }).split("\n");
  const first = lines.findIndex((line) => line.startsWith("  waiting"));
  expect(lines.slice(first, first + 3)).toEqual([
    "  waiting   backup at 2026-11-22T03:40+01:00, being checked now (0123456789ab)",
    "            backup at 2026-11-22T03:40+01:00, in 3 h 5 min (0123456789ab), " +
      "not on the disk: a restart would forget it",
    "  alerts    none",
  ]);
});

test("colour changes nothing but colour", () => {
  const marked: Paint = (style, text) => `<${style}>${text}</${style}>`;
  const painted = statusLines(aStatus(), marked).join("\n");
  expect(painted).toContain("<green>holding</green>");
  expect(`\n${painted.replace(/<\/?[a-z]+>/g, "")}\n`).toBe(shown());
});

test.each([
  [0, "0 ms"],
  [999.4, "999 ms"],
  [1000, "1.0 s"],
  [59_940, "59.9 s"],
  [60_000, "1 min 0 s"],
  [3_599_999, "59 min 59 s"],
  [3_600_000, "1 h 0 min"],
  [86_400_000, "1 d 0 h"],
])("a span of %d ms reads %s", (millis, text) => {
  expect(span(millis)).toBe(text);
});

test("an age that there is none of reads never", () => {
  expect([happened("heard", null), happened("heard", 34)]).toEqual([
    "never heard",
    "heard 34 ms ago",
  ]);
});

test("one thing is no plural", () => {
  expect([counted(0, "error"), counted(1, "error")]).toEqual(["0 errors", "1 error"]);
});
