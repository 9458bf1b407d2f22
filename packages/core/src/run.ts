import pRetry from "p-retry";
import { abortErrorOf, onAbort, type AbortSignalLike } from "./abort.ts";
import { bounded, Scope, type Attempt } from "./bounded.ts";
import type { Clock } from "./clock.ts";
import { decide, type Decision, type StopReason } from "./decide.ts";
import { emit, type EventListener, type FaultSummary } from "./events.ts";
import { rememberFailure, type AttemptRecord } from "./failure-of.ts";
import type { Fault, FaultKind } from "./fault.ts";
import type { Classify } from "./fault-table.ts";
import { HoldfastError } from "./holdfast-error.ts";
import type { Policy } from "./policy.ts";
import type { Random } from "./random.ts";
import { redact } from "./redact.ts";
import type { Action } from "./rules.ts";

/** What `run()` needs to know besides the work itself. */
export interface RunSpec {
  /** The policy key, for events: `serviceBus.send`. */
  readonly operation: string;
  /** The queue, topic, hub or device, for events. */
  readonly target: string;
  readonly policy: Policy;
  readonly classify: Classify;
  readonly clock: Clock;
  readonly random: Random;
  /** The caller's own signal: aborts a wait at once and an attempt through its signal. */
  readonly signal?: AbortSignalLike | undefined;
  readonly onEvent?: EventListener | undefined;
  /**
   * Awaited before each attempt, inside the deadline but outside the attempt's timeout: a connection to come back.
   * Its rejection is final, for what stands behind it has a policy of its own. Returns nothing when there is
   * nothing to wait for.
   */
  readonly ready?: ((scope: Attempt) => Promise<void> | undefined) | undefined;
  /** Carries out `refresh` and `rotate`; without it such faults are given to the caller. */
  readonly act?: ((action: "refresh" | "rotate", fault: Fault) => Promise<void> | void) | undefined;
  /** The error for an attempt that outlived its time; the default is a HoldfastError `attempt-timeout`. */
  readonly timeoutError?: ((ms: number) => Error) | undefined;
}

/**
 * The only retry loop: attempt → classify → decide → wait or act → attempt.
 * Order: deadline > retry > ready > attempt timeout > call.
 *
 * @throws the error of the last attempt, itself, with {@link failureOf} knowing the rest; an `AbortError` within
 * milliseconds of the caller's abort.
 */
export async function run<T>(work: (attempt: Attempt) => Promise<T> | T, spec: RunSpec): Promise<T> {
  const call = new Call(work, spec);
  try {
    const value = await pRetry((number) => call.attempt(number), {
      ...engine,
      shouldRetry: () => call.next(),
    });
    call.succeeded();
    return value;
  } catch {
    throw call.failed();
  }
}

// p-retry supplies the loop and nothing else. With every option present it skips its defaults (20 times cheaper);
// its own `signal` and `maxRetryTime` discard results and shorten waits, so they stay off (reference: policies.md 2.7).
const engine = {
  retries: Infinity,
  factor: 1,
  minTimeout: 0,
  maxTimeout: 0,
  maxRetryTime: Infinity,
  randomize: false,
  unref: false,
  signal: undefined as unknown as AbortSignal,
  onFailedAttempt: (): void => undefined,
  shouldConsumeRetry: (): boolean => true,
};

/** Carries any thrown value through p-retry, which would replace a non-Error and never repeat a TypeError. */
class Carrier extends Error {}

type Ending = { readonly reason: StopReason | "cancelled"; readonly error: unknown };

class Call<T> {
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
      if (waiting !== undefined) await waiting;
      this.#atGate = false;
      return await this.#bounded(this.#work, number, this.#attemptMs());
    } catch (error) {
      this.#error = error;
      throw new Carrier();
    }
  }

  /** After a failed attempt: true once the next may begin. */
  async next(): Promise<boolean> {
    const { spec, fault } = this.#classified();
    if (spec.signal?.aborted === true) return this.#end("cancelled", this.#error);
    if (this.#atGate) return this.#end(this.#deadlinePassed ? "deadline" : "permanent", this.#error);
    const decision = this.#decide(fault);
    if (!decision.retry) return this.#end(decision.reason, this.#error);
    this.#record(fault, decision.waitMs);
    emit(spec.onEvent, {
      type: "retry",
      operation: spec.operation,
      target: spec.target,
      attempt: this.#number,
      waitMs: decision.waitMs,
      hintMs: fault.hintMs,
      fault: summary(fault, this.#error),
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
      attempts: this.#records,
      elapsedMs,
    });
    if (reason !== "cancelled") {
      const { onEvent, operation, target } = this.#spec;
      const attempts = this.#number;
      emit(onEvent, {
        type: "give-up",
        operation,
        target,
        attempts,
        elapsedMs,
        reason,
        fault: summary(fault, error),
      });
    }
    return error;
  }

  #classified(): { spec: RunSpec; fault: Fault } {
    const fault = this.#spec.classify(this.#error, this.#spec.clock.wallNow());
    this.#fault = fault;
    // What fails at the gate never left; a caller's abort during an attempt leaves the outcome open.
    if (!this.#atGate && (fault.sent === "maybe" || fault.kind === "cancelled")) this.#mayHaveBeenSent = true;
    return { spec: this.#spec, fault };
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
    this.#previousWaitMs = waitMs;
    try {
      if (action !== "retry") await this.#spec.act?.(action, fault);
      await this.#sleep(waitMs);
      return true;
    } catch (error) {
      // Either the caller aborted the wait, or what should have helped failed; then the fault itself stands.
      if (this.#spec.signal?.aborted !== true) return this.#end("permanent", this.#error, false);
      this.#fault = this.#spec.classify(error, this.#spec.clock.wallNow());
      return this.#end("cancelled", error, false);
    }
  }

  #end(reason: StopReason | "cancelled", error: unknown, record = true): false {
    this.#ending = { reason, error };
    if (record && this.#fault !== undefined) this.#record(this.#fault, undefined);
    return false;
  }

  #record(fault: Fault, waitMs: number | undefined): void {
    const atMs = this.#elapsed();
    this.#records.push({ attempt: this.#number, atMs, fault: summary(fault, this.#error), waitMs });
  }

  /** Even a wait of nothing yields to the event loop, or a run of failures would starve the process. */
  #sleep(ms: number): Promise<void> {
    const { clock, signal } = this.#spec;
    return new Promise((resolve, reject) => {
      const stopTimer = clock.after(ms, () => {
        stopListening();
        resolve();
      });
      const stopListening = onAbort(signal, () => {
        stopTimer();
        stopListening();
        if (signal !== undefined) reject(abortErrorOf(signal));
      });
    });
  }

  #enter(ready: NonNullable<RunSpec["ready"]>): Promise<void> | undefined {
    const scope = new Scope(this.#number);
    const waiting = ready(scope);
    if (waiting === undefined) return undefined;
    // The gate is told to give up (through its signal) and answers with what it was waiting for.
    const { clock, signal } = this.#spec;
    const left = this.#left();
    const stopTimer =
      left === Infinity
        ? undefined
        : clock.after(left, () => {
            this.#deadlinePassed = true;
            scope.end(this.#late(left));
          });
    const stopListening = onAbort(signal, () => {
      if (signal !== undefined) scope.end(abortErrorOf(signal));
    });
    return waiting.finally(() => {
      stopTimer?.();
      stopListening();
    });
  }

  #bounded(work: (attempt: Attempt) => Promise<T> | T, number: number, ms: number): Promise<T> | T {
    const { clock, signal } = this.#spec;
    return bounded(work, new Scope(number), ms, () => this.#late(ms), clock, signal);
  }

  #late(ms: number): Error {
    const { timeoutError, operation } = this.#spec;
    return (
      timeoutError?.(ms) ??
      new HoldfastError("attempt-timeout", `${operation} had no answer within ${String(ms)} ms.`)
    );
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

function summary(fault: Fault, error: unknown): FaultSummary {
  const message = error instanceof Error ? error.message : String(error);
  return { kind: fault.kind, id: fault.id, code: fault.code, message: redact(message) };
}
