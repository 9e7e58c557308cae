import { describe, expect, test } from "vitest";

import { fromKeepalived } from "../../src/cli/init/keepalived.ts";
import { remarkSentence } from "../../src/cli/init/remarks.ts";
import type { Sketch } from "../../src/cli/init/sketch.ts";
import { nowhere, textOf } from "./init-fixtures.ts";

const keepalived = (text: string): Sketch =>
  fromKeepalived({ file: "/etc/k.conf", text }, () => [], nowhere, undefined);

describe("several instances on one interface", () => {
  const instance = (name: string, says: string): string =>
    `vrrp_instance ${name} {\ninterface eth0\n${says}\nvirtual_ipaddress { 10.0.0.${name.length} }\n}\n`;
  const moving = ({ addresses }: Sketch) => addresses.map(({ value }) => value);
  const apart = ({ remarks }: Sketch) =>
    remarks.map(({ what }) => what).filter((what) => what.startsWith("vrrp_"));

  test("of unlike priority may be an active/active pair, and stay apart", () => {
    const sketch = keepalived(
      instance("a", "state BACKUP\npriority 150") + instance("bb", "state BACKUP\npriority 100"),
    );
    expect(moving(sketch)).toEqual(["10.0.0.1"]);
    expect(apart(sketch)).toEqual(["vrrp_instance bb"]);
  });

  test("of like priority move together, whether BACKUP is said or not", () => {
    const sketch = keepalived(
      instance("a", "state BACKUP\npriority 150") + instance("bb", "priority 150"),
    );
    expect(moving(sketch)).toEqual(["10.0.0.1", "10.0.0.2"]);
    expect(apart(sketch)).toEqual([]);
  });

  test("move together where they are in one group, whatever their priorities", () => {
    const sketch = keepalived(
      `vrrp_sync_group G { group { a bb } }\n${instance("a", "priority 150")}` +
        instance("bb", "priority 100") +
        instance("ccc", "priority 90"),
    );
    expect(moving(sketch)).toEqual(["10.0.0.1", "10.0.0.2"]);
    expect(apart(sketch)).toEqual(["vrrp_instance ccc"]);
  });

  test("are compared with the other machine's where both are told", () => {
    const both = (one: number, other: number) => `@x priority ${one}\n@y priority ${other}`;
    const sketch = keepalived(
      instance("a", both(150, 100)) + instance("bb", both(90, 80)) + instance("ccc", both(80, 90)),
    );
    expect(moving(sketch)).toEqual(["10.0.0.1", "10.0.0.2"]);
    expect(apart(sketch)).toEqual(["vrrp_instance ccc"]);
    expect(sketch.marks?.nodes).toBeUndefined();
  });
});

test.each([
  ["state MASTER", false],
  ["state BACKUP\n priority 200", true],
  ["priority 200", true],
])("%j alone tells which node stands first: %j has to be decided", (says, open) => {
  const sketch = keepalived(
    `vrrp_instance A {\ninterface eth0\n${says}\nvirtual_ipaddress { 10.0.0.9 }\n}`,
  );
  const mark =
    "  # CHANGE THIS: which node stands first (k.conf:1 says priority 200 for A; compare with the other machine's file)";
  expect(textOf(sketch).includes(`${mark.trim()}\nnodes:`)).toBe(open);
});

test.each([
  ["dont_track_primary", "a machine whose interface loses its carrier lets the address go"],
  ["unicast_ttl 255", "beats go to the other machine's addresses alone"],
  ["mcast_dst_ip 224.0.0.19", "beats go to the other machine's addresses alone"],
])("%s is not passed over", (line, because) => {
  const { remarks } = keepalived(
    `vrrp_instance A {\n${line}\ninterface eth0\nvirtual_ipaddress { 10.0.0.9 }\n}`,
  );
  expect(remarks.map(remarkSentence).join("\n")).toContain(`${line}, because ${because}`);
});
