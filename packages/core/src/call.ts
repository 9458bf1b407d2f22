import { abortErrorOf, type AbortSignalLike } from "./abort.ts";
import { admission } from "./admission.ts";
import { begin, bounded, Scope, type Verdict, type Work } from "./bounded.ts";
import { BreakerPass } from "./breaker-pass.ts";
import { carrier } from "./carrier.ts";
import { emit } from "./events.ts";
import { rememberFailure } from "./failure-of.ts";
import type { Fault } from "./fault.ts";
import { summaryOf } from "./fault-summary.ts";
import type { GateOutcome } from "./gate.ts";
import { noAnswer } from "./holdfast-error.ts";
import type { Action } from "./rules.ts";
import type { RunSpec } from "./run.ts";
import { sleep } from "./sleep.ts";
import { Trouble, type EndReason } from "./trouble.ts";

/** The gate let an operation pass for now; after so long it has to ask again, or what waited for a connection would go all at once. */
const placeHoldsMs = 50;

/** One call of `run()`: what each step of the loop does. */
export class Call<T> implements Verdict {
  readonly #work: Work<T>;
  readonly #spec: RunSpec;
  readonly #signal: AbortSignalLike | undefined;
  readonly #startedAt: number;
  #number = 0;
  /** Whether the latest attempt got as far as the work. */
  #began = false;
  /** Whether the gate waits for our `leave`. */
  #holdsPlace = false;
  #pass: BreakerPass | undefined;
  #deadlinePassed = false;
  #error: unknown;
  #trouble: Trouble | undefined;

  constructor(work: Work<T>, spec: RunSpec, signal: AbortSignalLike | undefined, startedAt: number) {
    this.#work = work;
    this.#spec = spec;
    this.#signal = signal;
    this.#startedAt = startedAt;
  }

  /** Settles one of the two once; `reject` with {@link carrier}, whatever failed. */
  attempt(number: number, resolve: (value: T) => void, reject: (carrier: unknown) => void): void {
    this.#number = number;
    this.#began = false;
    try {
      this.#throwIfAborted();
      if (number === 1) this.#passBreaker();
      const scope = new Scope(number);
      const entering = this.#enter(scope);
      if (entering === undefined) {
        const { attemptTimeoutMs, deadlineMs } = this.#spec.policy;
        this.#begin(
          scope,
          Math.min(attemptTimeoutMs, number === 1 ? deadlineMs : this.#left()),
          resolve,
          reject,
        );
        return;
      }
      entering.then(
        () => {
          const ms = Math.min(this.#spec.policy.attemptTimeoutMs, this.#left());
          this.#begin(new Scope(number), ms, resolve, reject);
        },
        (error: unknown) => {
          reject(this.failed(error));
        },
      );
    } catch (error) {
      reject(this.failed(error));
    }
  }

  #begin(scope: Scope, ms: number, resolve: (value: T) => void, reject: (carrier: unknown) => void): void {
    this.#began = true;
    begin(this.#work, scope, ms, this.#spec.clock, this.#signal, this, resolve, reject);
  }

  /** The first attempt was made elsewhere, and failed. */
  firstFailed(error: unknown): Error {
    this.#number = 1;
    this.#began = true;
    this.#holdsPlace = this.#spec.gate !== undefined;
    return this.failed(error);
  }

  /** An attempt failed: the error waits here while its stand-in goes through p-retry. */
  failed(error: unknown): Error {
    this.#error = error;
    return carrier;
  }

  /** After a failed attempt: true once the next may begin. */
  async next(): Promise<boolean> {
    const spec = this.#spec;
    const trouble = (this.#trouble ??= new Trouble(spec));
    const fault = this.#pass?.refusal?.fault ?? trouble.classify(this.#error, this.#began);
    this.#leaveGate(fault?.kind === "throttled" ? "throttled" : "failed");
    if (this.#signal?.aborted === true) return this.#end("cancelled", this.#error);
    if (fault === undefined) return this.#end("permanent", this.#error);
    if (!this.#began) return this.#endBefore(fault);
    const decision = trouble.decide(fault, this.#elapsed());
    if (!decision.retry)
      return this.#end(fault.kind === "cancelled" ? "cancelled" : decision.reason, this.#error);
    trouble.record(this.#error, this.#number, this.#elapsed(), decision.waitMs);
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

  /** An attempt succeeded, and with it the call. */
  succeeded(): void {
    const { onEvent, operation, target, budget } = this.#spec;
    this.#leaveGate("accepted");
    this.#pass?.succeeded();
    budget?.deposit(this.#trouble?.retried);
    if (this.#trouble === undefined) return;
    const elapsedMs = this.#elapsed();
    emit(onEvent, { type: "recovered", operation, target, attempts: this.#number, elapsedMs });
  }

  /** The call failed: the error for the caller, remembered for failureOf(). */
  ended(): unknown {
    const trouble = this.#trouble;
    const { reason, error } = trouble?.ending ?? { reason: "permanent", error: this.#error };
    const fault = trouble?.fault;
    this.#pass?.failed(fault, error);
    if (trouble === undefined || fault === undefined) return error;
    const elapsedMs = this.#elapsed();
    rememberFailure(error, trouble.failure(fault, reason, error, elapsedMs, this.#began));
    if (reason !== "cancelled") {
      const { onEvent, operation, target } = this.#spec;
      const attempts = this.#began ? this.#number : this.#number - 1;
      const summary = summaryOf(fault, error);
      emit(onEvent, { type: "give-up", operation, target, attempts, elapsedMs, reason, fault: summary });
    }
    return error;
  }

  /** What an attempt waits for before it begins; undefined when nothing. The connection comes last, see {@link RunSpec.ready}. */
  #enter(scope: Scope): Promise<void> | undefined {
    const waiting = this.#spec.ready?.(scope);
    if (waiting === undefined) return this.#enterGate();
    return this.#waitFor(waiting, scope).then(() => this.#enterGate());
  }

  #enterGate(): Promise<void> | undefined {
    const { gate, lane = "send", cost = 1 } = this.#spec;
    if (gate === undefined || this.#holdsPlace) return undefined;
    const wait = gate.enter(lane, cost, this.#number > 1);
    if (wait === undefined) {
      this.#holdsPlace = true;
      return undefined;
    }
    return this.#waitFor(wait.admitted, new Scope(this.#number), this.#lateAtGate()).then(
      () => {
        this.#holdsPlace = true;
        return this.#stillReady();
      },
      (error: unknown) => {
        wait.cancel();
        throw error;
      },
    );
  }

  /** Whoever comes to the gate for the second time has the service's own error to show. */
  #lateAtGate(): () => unknown {
    const before = this.#error;
    return () => {
      const late = this.#tooLate();
      return this.#number > 1 ? before : late;
    };
  }

  /** The connection may have been lost while the gate was closed; and while it comes back, our place grows old. */
  #stillReady(): Promise<void> | undefined {
    const { ready, clock } = this.#spec;
    const since = clock.now();
    const scope = new Scope(this.#number);
    const waiting = ready?.(scope);
    if (waiting === undefined) return undefined;
    return this.#waitFor(waiting, scope).then(() => {
      if (clock.now() - since <= placeHoldsMs) return undefined;
      this.#leaveGate("failed");
      return this.#enterGate();
    });
  }

  #waitFor(waiting: Promise<void>, scope: Scope, late: () => unknown = () => this.#tooLate()): Promise<void> {
    const { clock } = this.#spec;
    return admission(waiting, scope, this.#left(), late, clock, this.#signal).then(() => {
      if (this.#deadlinePassed || this.#left() <= 0) throw late();
    });
  }

  #passBreaker(): void {
    const { breaker, operation, target } = this.#spec;
    if (breaker === undefined) return;
    this.#pass = new BreakerPass(breaker);
    this.#pass.enter(operation, target);
  }

  #leaveGate(outcome: GateOutcome): void {
    if (!this.#holdsPlace) return;
    this.#holdsPlace = false;
    this.#spec.gate?.leave(outcome, this.#spec.cost ?? 1);
  }

  async #act(action: Exclude<Action, "fail">, fault: Fault, waitMs: number): Promise<boolean> {
    const { act, clock } = this.#spec;
    const signal = this.#signal;
    const trouble = this.#trouble as Trouble;
    trouble.previousWaitMs = waitMs;
    trouble.retried = action === "retry" ? fault.kind : undefined;
    try {
      if (action !== "retry" && act !== undefined) {
        await bounded(() => act(action, fault), new Scope(this.#number), this.#left(), clock, signal, {
          late: () => this.#tooLate(),
          succeeded: () => undefined,
          failed: (error) => error,
        });
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
    this.#trouble?.classify(error, false);
    return this.#end("cancelled", error, false);
  }

  /** What an attempt waited for has the last word. */
  #endBefore(fault: Fault): false {
    if (this.#pass?.refusal === undefined) {
      return this.#end(this.#deadlinePassed ? "deadline" : "permanent", this.#error);
    }
    if (this.#trouble !== undefined) this.#trouble.fault = fault;
    return this.#end("breaker", this.#error);
  }

  #end(reason: EndReason, error: unknown, record = this.#began): false {
    const trouble = this.#trouble as Trouble;
    trouble.ending = { reason, error };
    if (record) trouble.record(this.#error, this.#number, this.#elapsed(), undefined);
    return false;
  }

  /** The deadline came before an attempt could begin. */
  #tooLate(): Error {
    this.#deadlinePassed = true;
    return this.late(this.#spec.policy.deadlineMs, "deadline");
  }

  /** The error for an attempt, or a call, that is not over after `ms` milliseconds. */
  late(ms: number, code = this.#limit(ms)): Error {
    const { timeoutError, operation } = this.#spec;
    return timeoutError?.(ms) ?? noAnswer(operation, ms, code);
  }

  /** Which of the two bounds an attempt of `ms` milliseconds ran into. */
  #limit(ms: number): "attempt-timeout" | "deadline" {
    return ms < this.#spec.policy.attemptTimeoutMs ? "deadline" : "attempt-timeout";
  }

  #left(): number {
    const { deadlineMs } = this.#spec.policy;
    return deadlineMs === Infinity ? Infinity : deadlineMs - this.#elapsed();
  }

  #elapsed(): number {
    return this.#spec.clock.now() - this.#startedAt;
  }

  #throwIfAborted(): void {
    const signal = this.#signal;
    if (signal?.aborted === true) throw abortErrorOf(signal);
  }
}
