import { expect, test } from "vitest";

import { installCommand, missingTools } from "../../src/practice/tools.ts";

test("only a command that is nowhere in the PATH is missing", () => {
  const tools = [
    { command: "sh", package: "dash" },
    { command: "no-such-command-anywhere", package: "nothing" },
  ];
  expect(missingTools(tools)).toEqual([tools[1]]);
});

test("a package that has several of the missing commands is installed once", () => {
  const tools = [
    { command: "ip", package: "iproute2" },
    { command: "ss", package: "iproute2" },
    { command: "nft", package: "nftables" },
  ];
  expect(installCommand(tools).slice(-2)).toEqual(["iproute2", "nftables"]);
});
