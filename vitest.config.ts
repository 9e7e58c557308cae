import { defineConfig } from "vitest/config";

/** They load the machine, or measure what a client notices of it. */
const underLoad = "test/system/{drain-*,containers}.test.ts";

// `pure` needs nothing but Node and is part of the gate. The others need root, a kernel and Debian's packages:
// `contract` and `system` mostly wait, the latter for leases, so two and three files go side by side; `load`
// runs its files one after the other, because two cores carry one crowd.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "pure",
          include: ["test/{unit,transcripts,simulator}/**/*.test.ts", "test/*.test.ts"],
          testTimeout: 60_000,
          // The default leaves one core to a person who watches.
          maxWorkers: "100%",
        },
      },
      {
        test: {
          name: "contract",
          include: ["test/contract/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 60_000,
          globalSetup: ["test/system/install-tools.ts"],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "system",
          include: ["test/system/**/*.test.ts"],
          exclude: [underLoad],
          testTimeout: 180_000,
          hookTimeout: 60_000,
          globalSetup: ["test/system/install-tools.ts"],
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: "load",
          include: [underLoad],
          testTimeout: 180_000,
          hookTimeout: 60_000,
          globalSetup: ["test/system/install-tools.ts"],
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
