import { defineConfig } from "tsdown";

// The official client and the core stay external: an application has one copy of each.
export default defineConfig({
  entry: [
    "src/index.ts",
    "src/faults.ts",
    "src/platform.ts",
    "src/browser-platform.ts",
    "src/negotiate/index.ts",
  ],
  platform: "neutral",
  target: "es2022",
  format: ["esm", "cjs"],
  // Which of two files is loaded is decided where the package is used: the one without prose in a browser.
  deps: { neverBundle: [/^#/] },
  // A file for each source: joined into shared chunks, ./faults would load the official client after all.
  unbundle: true,
  dts: true,
  sourcemap: true,
  fixedExtension: true,
  logLevel: "warn",
});
