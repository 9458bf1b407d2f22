import { expect, it } from "vitest";
import { planOf, sessionPlanOf } from "./plan.ts";
import { run } from "./run.ts";
import { isClean } from "./verdict.ts";

// A short run; `npm run chaos` does the long one.
const seeds = [1, 2, 3, 4, 5, 6];

it.concurrent.each(seeds)(
  "loses nothing, handles nothing twice without a reason and leaves nothing behind (seed %d)",
  async (seed) => {
    const outcome = await run("wrapped", planOf(seed, 100));
    expect(outcome.verdict, outcome.faults.join("; ")).toSatisfy(isClean);
  },
  120_000,
);

it.concurrent.each([1, 2, 3])(
  "keeps the order of sessions, one handler at a time in each (seed %d)",
  async (seed) => {
    const outcome = await run("wrapped", sessionPlanOf(seed, 100));
    expect(outcome.verdict, outcome.faults.join("; ")).toSatisfy(isClean);
  },
  120_000,
);
