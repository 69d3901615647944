import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/support/fast-check.ts"],
    // Processes, not threads: tests of the command line and of Wasm limits start and stop processes.
    pool: "forks",
    // The machines this is checked on have two cores.
    maxWorkers: 2,
    testTimeout: 10_000,
    hookTimeout: 10_000,
  },
});
