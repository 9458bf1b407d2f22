import process from "node:process";
import type { DeviceContender } from "./clients.ts";
import { devicePlanOf } from "./plan.ts";
import { runDevice, type DeviceOutcome } from "./run.ts";

// One run after another in a process of its own: the official client can bring its process down.

/** What a lane is asked to do. */
export interface DeviceJob {
  readonly contender: DeviceContender;
  readonly seed: number;
  readonly messages: number;
}

/** What it answers. */
type DeviceReport = { readonly outcome: DeviceOutcome } | { readonly failed: string };

process.on("disconnect", () => process.exit());
process.on("message", ({ contender, seed, messages }: DeviceJob) => {
  const report = (answer: DeviceReport): void => void process.send?.(answer);
  runDevice(contender, devicePlanOf(seed, messages)).then(
    (outcome) => report({ outcome }),
    (error: unknown) => report({ failed: String(error) }),
  );
});
