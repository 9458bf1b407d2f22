import { defineConfig } from "vitest/config";

/** Workspace packages are read from their sources: tests need no build. */
// "source" leads to the packages' TypeScript. Not "import": it would also reach what official clients require(), and
// give them ES modules in place of the CommonJS they expect.
const source = { conditions: ["source", "node", "module", "development|production"] };
const project = (name: string, include: string[]) => ({
  ssr: { resolve: source },
  resolve: source,
  test: {
    ...{ name, include, environment: "node" },
    // How long a test that hangs holds up the run, and a condition that never comes true its test. Neither says how fast
    // anything has to be: a test that claims a time measures it. A busy machine must reach neither.
    ...{ testTimeout: 120_000, hookTimeout: 120_000, expect: { poll: { timeout: 30_000 } } },
  },
});

/** Where CI wants the results as JSON, beside the usual output. */
const report = process.env["HOLDFAST_TEST_REPORT"];

export default defineConfig({
  test: {
    projects: [
      project("packages", ["packages/*/test/**/*.test.ts"]),
      project("guides", ["test/**/*.test.ts", "examples/**/*.test.ts"]),
    ],
    // Most tests wait for sockets, not for a processor.
    maxWorkers: 4,
    allowOnly: false,
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
    coverage: { provider: "v8", include: ["packages/*/src/**"] },
  },
});
