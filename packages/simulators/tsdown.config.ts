import { defineConfig, type UserConfig } from "tsdown";

const shared: UserConfig = {
  // Named, so that the output keeps the service's folder: dist/service-bus/index.mjs.
  entry: {
    "service-bus/index": "src/service-bus/index.ts",
    "signalr/index": "src/signalr/index.ts",
    "iot-hub/index": "src/iot-hub/index.ts",
    "bin/main": "src/bin/main.ts",
  },
  platform: "node",
  target: "es2022",
  dts: true,
  sourcemap: true,
  fixedExtension: true,
  logLevel: "warn",
};

export default defineConfig([
  { ...shared, format: "esm" },
  // Its CommonJS face has its class one level deeper than an importer expects, so that build carries its own copy.
  {
    ...shared,
    format: "cjs",
    deps: { alwaysBundle: ["fast-xml-builder", "path-expression-matcher", "xml-naming"] },
  },
]);
