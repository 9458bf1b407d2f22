import { defineConfig } from "vitest/config";

const source = { conditions: ["source", "node", "import", "module", "default"] };
const project = (name: string, include: string[]) => ({
  ssr: { resolve: source },
  resolve: source,
  test: { name, include, environment: "node", testTimeout: 20_000, hookTimeout: 20_000 },
});

export default defineConfig({
  test: {
    projects: [
      project("packages", ["packages/*/test/**/*.test.ts"]),
      project("guides", ["test/**/*.test.ts", "examples/**/*.test.ts"]),
    ],
    coverage: { provider: "v8", include: ["packages/*/src/**"] },
  },
});
