import { defineConfig } from "vitest/config";

// `pure` needs nothing but Node and is part of the gate. The others need root, a kernel and Debian's packages:
// `contract` has small namespaces and mostly waits, so two files go side by side; `system` runs its files one
// after the other, because two cores carry one lab.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "pure",
          include: ["test/{unit,transcripts,simulator}/**/*.test.ts", "test/*.test.ts"],
          testTimeout: 60_000,
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
          testTimeout: 180_000,
          hookTimeout: 60_000,
          globalSetup: ["test/system/install-tools.ts"],
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
