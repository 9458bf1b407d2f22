// Runs turbo's tasks in every package: node scripts/turbo.js build check
// Offline by choice: no telemetry, no update notice, no remote cache.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";

const turbo = createRequire(import.meta.url).resolve("turbo/bin/turbo");
const env = {
  ...process.env,
  TURBO_TELEMETRY_DISABLED: "1",
  DO_NOT_TRACK: "1",
  TURBO_NO_UPDATE_NOTIFIER: "1",
};
const { status } = spawnSync(process.execPath, [turbo, "run", ...process.argv.slice(2)], {
  env,
  stdio: "inherit",
});
process.exitCode = status ?? 1;
