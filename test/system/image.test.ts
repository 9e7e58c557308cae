import { existsSync } from "node:fs";
import { expect, test } from "vitest";

import { archive, makeArchive } from "./containers.ts";

test("machines with systemd are made beside tests that mostly wait, for the containers' later", async () => {
  await makeArchive();
  expect(existsSync(archive)).toBe(true);
}, 400_000);
