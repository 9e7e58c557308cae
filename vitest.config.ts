import { defineConfig } from "vitest/config";

// Two projects: `pure` needs nothing but Node and is part of the gate; `system` needs root, a kernel
// and Debian's packages, and runs its files one after the other because two cores carry one lab.
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
          name: "system",
          include: ["test/{contract,system}/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 60_000,
          globalSetup: ["test/system/install-tools.ts"],
          fileParallelism: false,
        },
      },
    ],
  },
});
