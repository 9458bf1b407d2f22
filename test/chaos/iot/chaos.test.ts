import { expect, it } from "vitest";
import { devicePlanOf } from "./plan.ts";
import { runDevice } from "./run.ts";
import { isDeviceClean } from "./verdict.ts";

// A short run; `npm run chaos:iot` does the long one.
const seeds = [1, 2, 3];

it.concurrent.each(seeds)(
  "loses no telemetry, keeps its order, doubles none without a reason and stays on one connection (seed %d)",
  async (seed) => {
    const outcome = await runDevice("wrapped", devicePlanOf(seed, 200));
    expect(outcome.verdict, outcome.faults.join("; ")).toSatisfy(isDeviceClean);
  },
  120_000,
);
