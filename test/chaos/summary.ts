import type { LaneOutcome } from "./lanes.ts";
import { isClean } from "./verdict.ts";

/** The figures of many runs. */
export interface Summary {
  seeds: number;
  messages: number;
  faults: number;
  faultKinds: number;
  lost: number;
  unexpected: number;
  duplicatedExplained: number;
  duplicatedUnexplained: number;
  stuck: number;
  falseSettlements: number;
  earlyRetries: number;
  unclosed: number;
  overfull: number;
  disordered: number;
  crashed: number;
  /** From the last fault until all was settled, in milliseconds: the longest. */
  slowestRecoveryMs: number;
  /** Seeds that were not clean, with the first thing that went wrong. */
  readonly failures: { readonly seed: number; readonly because: string }[];
}

/** Adds up what runs showed, one after another. */
export class Tally {
  readonly #kinds = new Set<string>();
  readonly summary: Summary = {
    seeds: 0,
    messages: 0,
    faults: 0,
    faultKinds: 0,
    lost: 0,
    unexpected: 0,
    duplicatedExplained: 0,
    duplicatedUnexplained: 0,
    stuck: 0,
    falseSettlements: 0,
    earlyRetries: 0,
    unclosed: 0,
    overfull: 0,
    disordered: 0,
    crashed: 0,
    slowestRecoveryMs: 0,
    failures: [],
  };

  add(outcome: LaneOutcome): void {
    const { summary } = this;
    summary.seeds += 1;
    if ("crashed" in outcome) {
      summary.crashed += 1;
      summary.failures.push({ seed: outcome.seed, because: outcome.crashed });
      return;
    }
    const { verdict } = outcome;
    summary.messages += outcome.messages;
    summary.faults += outcome.faults.length;
    for (const name of outcome.faults) this.#kinds.add(name);
    summary.faultKinds = this.#kinds.size;
    summary.lost += verdict.lost.length;
    summary.unexpected += verdict.unexpected.length;
    summary.duplicatedExplained += verdict.duplicatedExplained;
    summary.duplicatedUnexplained += verdict.duplicatedUnexplained.length;
    summary.stuck += verdict.stuck.length;
    summary.falseSettlements += verdict.falseSettlements.length;
    summary.earlyRetries += verdict.earlyRetries.length;
    summary.unclosed += verdict.unclosed.length;
    summary.overfull += verdict.overfull.length;
    summary.disordered += verdict.disordered.length;
    summary.slowestRecoveryMs = Math.max(summary.slowestRecoveryMs, outcome.quietAfterMs ?? 0);
    if (isClean(verdict)) return;
    const { duplicatedExplained: _harmless, ...troubles } = verdict;
    const words = Object.values(troubles).flat();
    summary.failures.push({
      seed: outcome.seed,
      because: `${words[0] ?? ""}${words.length > 1 ? ` (and ${String(words.length - 1)} more)` : ""} after: ${outcome.faults.join("; ")}`,
    });
  }
}
