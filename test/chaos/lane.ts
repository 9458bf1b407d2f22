import process from "node:process";
import type { Contender } from "./clients.ts";
import { planOf, sessionPlanOf } from "./plan.ts";
import { run, type Outcome } from "./run.ts";

// One run after another in a process of its own: the official client can bring its process down.

/** What a lane is asked to do. */
export interface LaneJob {
  readonly contender: Contender;
  readonly seed: number;
  readonly messages: number;
  readonly sessions: boolean;
  /** What is not settled so long after the last fault is stuck. In milliseconds. */
  readonly patienceMs: number;
}

/** What it answers. */
export type LaneReport = { readonly outcome: Outcome } | { readonly failed: string };

process.on("disconnect", () => process.exit());
process.on("message", ({ contender, seed, messages, sessions, patienceMs }: LaneJob) => {
  const report = (answer: LaneReport): void => void process.send?.(answer);
  run(contender, (sessions ? sessionPlanOf : planOf)(seed, messages), patienceMs).then(
    (outcome) => report({ outcome }),
    (error: unknown) => report({ failed: String(error) }),
  );
});
