import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** Workspace packages are read from their sources: tests need no build. */
// "source" leads to the packages' TypeScript. Not "import": it would also reach what official clients require(), and
// give them ES modules in place of the CommonJS they expect.
const source = { conditions: ["source", "node", "module", "development|production"] };
const resolve = { ...source, alias: officialClients(process.env["HOLDFAST_OFFICIAL_CLIENTS"]) };
const project = (name: string, include: string[]) => ({
  ssr: { resolve },
  resolve,
  test: {
    ...{ name, include, environment: "node" },
    // How long a test that hangs holds up the run, and a condition that never comes true its test. Neither says how fast
    // anything has to be: a test that claims a time measures it. A busy machine must reach neither.
    ...{ testTimeout: 120_000, hookTimeout: 120_000, expect: { poll: { timeout: 30_000 } } },
  },
});

/**
 * Puts the official clients installed in this folder in the place of the locked ones: `scripts/check-peers.js` runs the
 * tests against other versions of them.
 */
function officialClients(folder: string | undefined): { find: RegExp; replacement: string }[] {
  if (folder === undefined) return [];
  const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  return Object.keys(dependencies).map((name) => ({
    find: new RegExp(`^${name}$`),
    replacement: createRequire(join(folder, "package.json")).resolve(name),
  }));
}

/** Where CI wants the results as JSON, beside the usual output. */
const report = process.env["HOLDFAST_TEST_REPORT"];

export default defineConfig({
  test: {
    projects: [
      project("packages", ["packages/*/test/**/*.test.ts"]),
      project("guides", ["test/**/*.test.ts", "examples/**/*.test.ts"]),
    ],
    // Most tests wait for sockets, not for a processor: with four at once two processors idle, and a run takes a third longer.
    maxWorkers: 6,
    allowOnly: false,
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
    coverage: { provider: "v8", include: ["packages/*/src/**"] },
  },
});
