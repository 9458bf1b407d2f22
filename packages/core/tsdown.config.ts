import { defineConfig, type UserConfig } from "tsdown";

const shared: UserConfig = {
  entry: ["src/index.ts", "src/testing.ts"],
  platform: "neutral",
  target: "es2022",
  dts: true,
  sourcemap: true,
  fixedExtension: true,
  logLevel: "warn",
};

export default defineConfig([
  { ...shared, format: "esm" },
  // p-retry is published as ESM alone, so the CommonJS build carries its own copy of it.
  { ...shared, format: "cjs", deps: { alwaysBundle: ["p-retry", "is-network-error"] } },
]);
