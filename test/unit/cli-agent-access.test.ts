import { writeFile } from "node:fs/promises";
import { afterEach, expect, test, vi } from "vitest";

import { socketAt, stateDirectoryAt } from "../../src/cli/agent-access.ts";
import { scratch } from "./cli-fixtures.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

test("an agent that outlives its file is asked all the same, and the fault is told", async () => {
  await using place = await scratch();
  const config = place.path("failover.yaml");
  await writeFile(config, "pair: shop # a comment\naddress: 203.0.113.300\n");
  const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  expect(await socketAt({ config })).toBe("/run/failover/shop.sock");
  expect(await stateDirectoryAt({ config })).toBe("/var/lib/failover/shop");
  expect(said.mock.calls[0]?.[0]).toMatch(/203\.0\.113\.300(.|\n)*Going on with the pair shop/);
});
