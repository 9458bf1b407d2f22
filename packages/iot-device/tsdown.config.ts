import { defineConfig } from "tsdown";

// The official client and the core stay external: an application has one copy of each.
export default defineConfig({
  entry: ["src/index.ts", "src/faults.ts", "src/outbox-disk.ts"],
  platform: "node",
  target: "es2022",
  format: ["esm", "cjs"],
  // A file for each source: joined into shared chunks, ./faults would load the official client after all.
  unbundle: true,
  // The official package has both, too.
  outputOptions: { exports: "named" },
  dts: true,
  sourcemap: true,
  fixedExtension: true,
  logLevel: "warn",
});
