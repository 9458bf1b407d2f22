import { decide, type Decision, type StopReason } from "./decide.ts";
import { failureOf, type AttemptRecord, type Failure } from "./failure-of.ts";
import type { Fault, FaultKind } from "./fault.ts";
import { summaryOf } from "./fault-summary.ts";
import type { RunSpec } from "./run.ts";

/** An outage can last for days: of a call's attempts, the first and the latest are remembered, so many in all. */
const maxRecords = 100;

/** Why a call ended without success. */
export type EndReason = StopReason | "cancelled";

/** What one call remembers once something went wrong in it. Most calls never make one. */
export class Trouble {
  readonly #spec: RunSpec;
  readonly records: AttemptRecord[] = [];
  readonly #perKind = new Map<FaultKind, number>();
  #counted = 0;
  /** The wait before the attempt under way, in milliseconds. */
  previousWaitMs: number | undefined;
  mayHaveBeenSent = false;
  /** The present fault; undefined when `classify` threw: then nothing is known about the error. */
  fault: Fault | undefined;
  /** The fault that the attempt under way repeats after. */
  retried: FaultKind | undefined;
  ending: { readonly reason: EndReason; readonly error: unknown } | undefined;

  constructor(spec: RunSpec) {
    this.#spec = spec;
  }

  /** @param began - whether the attempt had begun: what fails before cannot have been sent. */
  classify(error: unknown, began: boolean): Fault | undefined {
    this.fault = undefined;
    try {
      this.fault = this.#spec.classify(error, this.#spec.clock.wallNow());
    } catch {
      return undefined;
    }
    const { sent, kind } = this.fault;
    // A caller's abort during an attempt leaves the outcome open.
    if (began && (sent === "maybe" || kind === "cancelled")) this.mayHaveBeenSent = true;
    return this.fault;
  }

  decide(fault: Fault, elapsedMs: number): Decision {
    const { policy, random, act, budget } = this.#spec;
    const rule = policy.rules[fault.kind];
    const ofKind = (this.#perKind.get(fault.kind) ?? 0) + 1;
    this.#perKind.set(fault.kind, ofKind);
    if (rule.counts) this.#counted += 1;
    const { previousWaitMs } = this;
    const decision = decide(
      fault,
      { elapsedMs, counted: this.#counted, ofKind, previousWaitMs },
      policy,
      random,
    );
    if (!decision.retry) return decision;
    if (decision.action !== "retry") {
      return act === undefined ? { retry: false, reason: "permanent" } : decision;
    }
    if (budget?.withdraw(fault.kind) === false) return { retry: false, reason: "budget" };
    return decision;
  }

  record(error: unknown, attempt: number, atMs: number, waitMs: number | undefined): void {
    if (this.fault === undefined) return;
    if (this.records.length === maxRecords) this.records.splice(1, 1);
    const { operation } = this.#spec;
    this.records.push({ operation, attempt, atMs, fault: summaryOf(this.fault, error), waitMs });
  }

  /** @param began - whether the last attempt had begun; otherwise what it waited for had attempts of its own. */
  failure(fault: Fault, reason: EndReason, error: unknown, elapsedMs: number, began: boolean): Failure {
    const { hintMs: _, sent: __, ...told } = fault;
    const known = began ? undefined : failureOf(error);
    const others = known?.attempts.filter(({ operation }) => operation !== this.#spec.operation) ?? [];
    return {
      ...told,
      reason,
      outcome: this.mayHaveBeenSent ? "unknown" : "rejected",
      attempts: [...this.records, ...others],
      elapsedMs,
    };
  }
}
