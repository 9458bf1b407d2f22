import { defineConfig } from "tsdown";

export default defineConfig({
  // Named, so that the output keeps the service's folder: dist/service-bus/index.mjs.
  entry: {
    "service-bus/index": "src/service-bus/index.ts",
    "signalr/index": "src/signalr/index.ts",
    "iot-hub/index": "src/iot-hub/index.ts",
    "bin/main": "src/bin/main.ts",
  },
  platform: "node",
  target: "es2022",
  format: ["esm", "cjs"],
  dts: true,
  sourcemap: true,
  fixedExtension: true,
  logLevel: "warn",
});
