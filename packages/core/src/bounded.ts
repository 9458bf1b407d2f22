import { abortErrorOf, onAbort, type AbortSignalLike } from "./abort.ts";
import type { Clock } from "./clock.ts";

/** What one attempt gets: its number, and a signal that aborts on its timeout, the deadline and the caller's abort. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  /** Made when first asked for, because most attempts of a fast operation never look at it. */
  readonly signal: AbortSignal;
  /** True once a timeout, the deadline or an abort ended it: what has not begun need not begin. */
  readonly ended: boolean;
  /** Ends the attempt now with this error, and aborts its signal: for work that learns from elsewhere that it is lost. */
  fail(error: Error): void;
}

/** What somebody decides about an attempt, and hears of it before the attempt's promise settles. */
export interface Verdict {
  /** The error for what is not over after `ms` milliseconds. */
  late(ms: number): Error;
  succeeded(): void;
  /** What to reject with. */
  failed(error: unknown): unknown;
}

/** The lazily signalled {@link Attempt}, and what can end its work early. One object for all, because every call makes one. */
export class Scope implements Attempt {
  readonly number: number;
  #controller: AbortController | undefined;
  #isEnded = false;
  #reason: unknown;
  /** Undefined unless the work is under way. */
  #verdict: Verdict | undefined;
  #reject: ((error: unknown) => void) | undefined;
  #stopTimer: (() => void) | undefined;
  #stopListening: (() => void) | undefined;

  constructor(number: number) {
    this.number = number;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isEnded) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  get ended(): boolean {
    return this.#isEnded;
  }

  fail(error: Error): void {
    if (this.#verdict !== undefined) this.#cut(error);
  }

  end(reason: unknown): void {
    if (!this.#isEnded) {
      this.#isEnded = true;
      this.#reason = reason;
    }
    this.#controller?.abort(reason);
  }

  /** The work is about to begin; false when the caller's abort came before. */
  open(
    ms: number,
    clock: Clock,
    signal: AbortSignalLike | undefined,
    verdict: Verdict,
    reject: (error: unknown) => void,
  ): boolean {
    this.#verdict = verdict;
    this.#reject = reject;
    if (signal !== undefined) {
      if (signal.aborted) {
        this.#cut(abortErrorOf(signal));
        return false;
      }
      this.#stopListening = onAbort(signal, () => {
        this.#cut(abortErrorOf(signal));
      });
    }
    if (ms !== Infinity) {
      // After a standstill of the process timers come before what has arrived is read: one more turn lets it count.
      this.#stopTimer = clock.after(Math.max(0, ms), () => {
        this.#stopTimer = clock.after(0, () => {
          this.#cut(verdict.late(ms));
        });
      });
    }
    return true;
  }

  /** The work succeeded. True when that is the end of the attempt. */
  succeed(): boolean {
    const verdict = this.#verdict;
    if (verdict === undefined) return false;
    this.#close();
    verdict.succeeded();
    return true;
  }

  /** The work failed: whatever comes from it, or ends it, later is nobody's. */
  reject(error: unknown): void {
    const verdict = this.#verdict;
    if (verdict === undefined) return;
    this.#close();
    this.#reject?.(verdict.failed(error));
  }

  #cut(error: unknown): void {
    this.reject(error);
    this.end(error);
  }

  #close(): void {
    this.#verdict = undefined;
    this.#stopTimer?.();
    this.#stopListening?.();
  }
}

/** An attempt's work. What it returns may be anything that is awaited. */
export type Work<T> = (scope: Attempt) => PromiseLike<T> | T;

/**
 * Calls `work` at once and settles as it does, but no later than `ms` milliseconds (then with the verdict's `late`) and no
 * later than the caller's abort. In both cases the scope's signal aborts and whatever `work` does afterwards is ignored.
 */
export function bounded<T>(
  work: Work<T>,
  scope: Scope,
  ms: number,
  clock: Clock,
  signal: AbortSignalLike | undefined,
  verdict: Verdict,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    begin(work, scope, ms, clock, signal, verdict, resolve, reject);
  });
}

/** {@link bounded}, for who has a promise to settle already. */
export function begin<T>(
  work: Work<T>,
  scope: Scope,
  ms: number,
  clock: Clock,
  signal: AbortSignalLike | undefined,
  verdict: Verdict,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): void {
  // In this turn, or an abort could come between the decision to begin and the beginning.
  if (!scope.open(ms, clock, signal, verdict, reject)) return;
  try {
    const outcome = work(scope);
    // What can be awaited is asked itself: each turn between its success and ours is one in which an abort discards it.
    (isPromiseLike(outcome) ? outcome : Promise.resolve(outcome)).then(
      (value) => {
        if (scope.succeed()) resolve(value);
      },
      (error: unknown) => {
        scope.reject(error);
      },
    );
  } catch (error) {
    scope.reject(error);
  }
}

function isPromiseLike<T>(value: PromiseLike<T> | T): value is PromiseLike<T> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
