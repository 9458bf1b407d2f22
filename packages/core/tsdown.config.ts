import { defineConfig, type UserConfig } from "tsdown";

const shared: UserConfig = {
  entry: ["src/index.ts", "src/testing.ts", "src/secrets.ts", "src/page-secrets.ts"],
  platform: "neutral",
  target: "es2022",
  dts: true,
  sourcemap: true,
  fixedExtension: true,
  logLevel: "warn",
};

// Which of two files is loaded is decided where the package is used: the shorter one in a browser's bundle.
const neverBundle = [/^#/];

export default defineConfig([
  // A file for each source: joined into one, a page that needs a part of the core would load what the other parts set up.
  { ...shared, format: "esm", unbundle: true, deps: { neverBundle } },
  // p-retry is published as ESM alone, so the CommonJS build carries its own copy of it.
  { ...shared, format: "cjs", deps: { neverBundle, alwaysBundle: ["p-retry", "is-network-error"] } },
]);
