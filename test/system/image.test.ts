import { existsSync } from "node:fs";
import { expect, test } from "vitest";

import { makeArchive } from "./container-image.ts";

test("machines with systemd are made beside tests that mostly wait, for the containers' later", async () => {
  expect(existsSync(await makeArchive())).toBe(true);
}, 400_000);
