import { abortErrorOf, type AbortSignalLike } from "./abort.ts";
import { admission, type Ready } from "./admission.ts";
import { bounded, Scope, type Attempt } from "./bounded.ts";
import { decide, type Decision, type StopReason } from "./decide.ts";
import { emit } from "./events.ts";
import { failureOf, rememberFailure, type AttemptRecord } from "./failure-of.ts";
import type { Fault, FaultKind } from "./fault.ts";
import { summaryOf } from "./fault-summary.ts";
import { HoldfastError } from "./holdfast-error.ts";
import type { Action } from "./rules.ts";
import type { RunSpec } from "./run.ts";
import { sleep } from "./sleep.ts";

/** Carries any thrown value through p-retry, which would replace a non-Error and never repeat a TypeError. */
class Carrier extends Error {}

/** An outage can last for days: of a call's attempts, the first and the latest are remembered, so many in all. */
const maxRecords = 100;

type Ending = { readonly reason: StopReason | "cancelled"; readonly error: unknown };

/** One call of `run()`: what has happened in it, and what each step of the loop does about it. */
export class Call<T> {
  readonly #work: (attempt: Attempt) => Promise<T> | T;
  readonly #spec: RunSpec;
  readonly #startedAt: number;
  readonly #records: AttemptRecord[] = [];
  readonly #perKind = new Map<FaultKind, number>();
  #counted = 0;
  #previousWaitMs: number | undefined;
  #mayHaveBeenSent = false;
  #number = 0;
  #error: unknown;
  #atGate = false;
  #deadlinePassed = false;
  #fault: Fault | undefined;
  #ending: Ending | undefined;

  constructor(work: (attempt: Attempt) => Promise<T> | T, spec: RunSpec) {
    this.#work = work;
    this.#spec = spec;
    this.#startedAt = spec.clock.now();
  }

  async attempt(number: number): Promise<T> {
    this.#number = number;
    this.#atGate = true;
    try {
      this.#throwIfAborted();
      const waiting = this.#spec.ready && this.#enter(this.#spec.ready);
      if (waiting !== undefined) {
        await waiting;
        if (this.#deadlinePassed || this.#left() <= 0) throw this.#tooLate();
      }
      this.#atGate = false;
      return await this.#bounded(this.#work, this.#attemptMs());
    } catch (error) {
      this.#error = error;
      throw new Carrier();
    }
  }

  /** After a failed attempt: true once the next may begin. */
  async next(): Promise<boolean> {
    const spec = this.#spec;
    const fault = this.#classified(this.#error);
    if (spec.signal?.aborted === true) return this.#end("cancelled", this.#error);
    if (fault === undefined) return this.#end("permanent", this.#error);
    if (this.#atGate) return this.#end(this.#deadlinePassed ? "deadline" : "permanent", this.#error);
    const decision = this.#decide(fault);
    if (!decision.retry)
      return this.#end(fault.kind === "cancelled" ? "cancelled" : decision.reason, this.#error);
    this.#record(fault, decision.waitMs);
    emit(spec.onEvent, {
      type: "retry",
      operation: spec.operation,
      target: spec.target,
      attempt: this.#number,
      waitMs: decision.waitMs,
      hintMs: fault.hintMs,
      fault: summaryOf(fault, this.#error),
    });
    return this.#act(decision.action, fault, decision.waitMs);
  }

  succeeded(): void {
    if (this.#records.length === 0) return;
    const { onEvent, operation, target } = this.#spec;
    emit(onEvent, {
      type: "recovered",
      operation,
      target,
      attempts: this.#number,
      elapsedMs: this.#elapsed(),
    });
  }

  /** The error for the caller, remembered for failureOf(). */
  failed(): unknown {
    const { reason, error } = this.#ending ?? { reason: "permanent", error: this.#error };
    const fault = this.#fault;
    if (fault === undefined) return error;
    const { kind, service, code, id, because, remedy, see, missingClaim, trackingId } = fault;
    const elapsedMs = this.#elapsed();
    rememberFailure(error, {
      ...{ kind, service, code, id, because, remedy, see, missingClaim, trackingId },
      reason,
      outcome: this.#mayHaveBeenSent ? "unknown" : "rejected",
      attempts: [...this.#records, ...this.#behindGate(error)],
      elapsedMs,
    });
    if (reason !== "cancelled") {
      const { onEvent, operation, target } = this.#spec;
      const attempts = this.#atGate ? this.#number - 1 : this.#number;
      emit(onEvent, {
        type: "give-up",
        operation,
        target,
        attempts,
        elapsedMs,
        reason,
        fault: summaryOf(fault, error),
      });
    }
    return error;
  }

  /** What the thing that this call waited for had tried, before it failed with the same error. */
  #behindGate(error: unknown): readonly AttemptRecord[] {
    if (!this.#atGate) return [];
    return failureOf(error)?.attempts.filter(({ operation }) => operation !== this.#spec.operation) ?? [];
  }

  /** Undefined when `classify` throws: then nothing is known, and the error goes to the caller as it is. */
  #classified(error: unknown): Fault | undefined {
    this.#fault = undefined;
    try {
      this.#fault = this.#spec.classify(error, this.#spec.clock.wallNow());
    } catch {
      return undefined;
    }
    // What fails at the gate never left; a caller's abort during an attempt leaves the outcome open.
    const { sent, kind } = this.#fault;
    if (!this.#atGate && (sent === "maybe" || kind === "cancelled")) this.#mayHaveBeenSent = true;
    return this.#fault;
  }

  #decide(fault: Fault): Decision {
    const { policy, random, act } = this.#spec;
    const rule = policy.rules[fault.kind];
    const ofKind = (this.#perKind.get(fault.kind) ?? 0) + 1;
    this.#perKind.set(fault.kind, ofKind);
    if (rule.counts) this.#counted += 1;
    const progress = {
      elapsedMs: this.#elapsed(),
      counted: this.#counted,
      ofKind,
      previousWaitMs: this.#previousWaitMs,
    };
    const decision = decide(fault, progress, policy, random);
    const needsHelp = decision.retry && decision.action !== "retry";
    return needsHelp && act === undefined ? { retry: false, reason: "permanent" } : decision;
  }

  async #act(action: Exclude<Action, "fail">, fault: Fault, waitMs: number): Promise<boolean> {
    const { act, clock, signal } = this.#spec;
    this.#previousWaitMs = waitMs;
    try {
      if (action !== "retry" && act !== undefined) {
        await this.#bounded(
          () => act(action, fault),
          this.#left(),
          () => this.#tooLate(),
        );
      }
      if (this.#left() <= waitMs) return this.#end("deadline", this.#error, false);
      await sleep(waitMs, clock, signal);
    } catch {
      if (signal?.aborted === true) return this.#cancelled(signal);
      // What should have helped failed or took too long: the fault itself stands.
      return this.#end(this.#deadlinePassed ? "deadline" : "permanent", this.#error, false);
    }
    // The timer, or the process, may have been late.
    return this.#left() > 0 || this.#end("deadline", this.#error, false);
  }

  /** Aborted while nothing was under way, so the outcome is that of the attempts before. */
  #cancelled(signal: AbortSignalLike): false {
    const error = abortErrorOf(signal);
    const outcome = this.#mayHaveBeenSent;
    this.#classified(error);
    this.#mayHaveBeenSent = outcome;
    return this.#end("cancelled", error, false);
  }

  #end(reason: StopReason | "cancelled", error: unknown, record = !this.#atGate): false {
    this.#ending = { reason, error };
    if (record && this.#fault !== undefined) this.#record(this.#fault, undefined);
    return false;
  }

  #record(fault: Fault, waitMs: number | undefined): void {
    const atMs = this.#elapsed();
    if (this.#records.length === maxRecords) this.#records.splice(1, 1);
    const { operation } = this.#spec;
    const summary = summaryOf(fault, this.#error);
    this.#records.push({ operation, attempt: this.#number, atMs, fault: summary, waitMs });
  }

  #enter(ready: Ready): Promise<void> | undefined {
    const { clock, signal } = this.#spec;
    return admission(ready, new Scope(this.#number), this.#left(), () => this.#tooLate(), clock, signal);
  }

  #bounded<R>(
    work: (attempt: Attempt) => Promise<R> | R,
    ms: number,
    late = () => this.#late(ms),
  ): Promise<R> {
    const { clock, signal } = this.#spec;
    return bounded(work, new Scope(this.#number), ms, late, clock, signal);
  }

  /** The deadline came before an attempt could begin. */
  #tooLate(): Error {
    this.#deadlinePassed = true;
    return this.#late(this.#spec.policy.deadlineMs, "deadline");
  }

  #late(ms: number, code = this.#limit(ms)): Error {
    const { timeoutError, operation } = this.#spec;
    const text = `${operation} had no answer within ${String(Math.round(ms))} ms.`;
    return timeoutError?.(ms) ?? new HoldfastError(code, text);
  }

  /** Which of the two bounds an attempt of `ms` milliseconds ran into. */
  #limit(ms: number): "attempt-timeout" | "deadline" {
    return ms < this.#spec.policy.attemptTimeoutMs ? "deadline" : "attempt-timeout";
  }

  #attemptMs(): number {
    const { attemptTimeoutMs } = this.#spec.policy;
    return this.#number === 1 && this.#spec.ready === undefined
      ? Math.min(attemptTimeoutMs, this.#spec.policy.deadlineMs)
      : Math.min(attemptTimeoutMs, this.#left());
  }

  #left(): number {
    const { deadlineMs } = this.#spec.policy;
    return deadlineMs === Infinity ? Infinity : deadlineMs - this.#elapsed();
  }

  #elapsed(): number {
    return this.#spec.clock.now() - this.#startedAt;
  }

  #throwIfAborted(): void {
    const { signal } = this.#spec;
    if (signal?.aborted === true) throw abortErrorOf(signal);
  }
}
