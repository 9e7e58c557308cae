import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

import { parseConfiguration } from "../../src/cli/configuration/parse.ts";

const root = resolve(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

test("the unit for several pairs is the unit for one, told which", () => {
  const expected = read("systemd/failover.service")
    .replace("behind one address", "behind the address of %i")
    .replace("/failover/failover.yaml", "/failover/%i.yaml")
    .replace("failover agent", "failover agent --config /etc/failover/%i.yaml")
    .replace("--config-only", "--config-only --config /etc/failover/%i.yaml")
    .replace("failover cleanup", "failover cleanup --config /etc/failover/%i.yaml");
  expect(read("systemd/failover@.service")).toBe(expected);
});

test("the example is a configuration once its lines are no comments any more", () => {
  const text = read("systemd/example.yaml").replace(/^#(?! \S|$)/gm, "");
  expect(parseConfiguration(text)).toMatchObject({ kind: "valid" });
});
