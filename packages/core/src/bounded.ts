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

/** The lazily signalled {@link Attempt}. */
export class Scope implements Attempt {
  readonly number: number;
  #controller: AbortController | undefined;
  #ended: { readonly reason: unknown } | undefined;
  #bounds: Bounds | undefined;

  constructor(number: number) {
    this.number = number;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#ended !== undefined) this.#controller.abort(this.#ended.reason);
    }
    return this.#controller.signal;
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  fail(error: Error): void {
    this.#bounds?.cut(error);
  }

  /** Says what `fail` ends, for as long as the work is under way. */
  enclose(bounds: Bounds): void {
    this.#bounds = bounds;
  }

  /** True the first time: then the work is no longer under way. */
  release(bounds: Bounds): boolean {
    const isUnderWay = this.#bounds === bounds;
    this.#bounds = undefined;
    return isUnderWay;
  }

  end(reason: unknown): void {
    this.#ended ??= { reason };
    this.#controller?.abort(reason);
  }
}

/** What somebody decides about an attempt, and hears of it before the attempt's promise settles. */
export interface Verdict {
  /** The error for what is not over after `ms` milliseconds. */
  late(ms: number): Error;
  succeeded(): void;
  /** What to reject with. */
  failed(error: unknown): unknown;
}

/** What can end an attempt before its work does. A class and not closures, for every successful call makes one. */
class Bounds {
  readonly #scope: Scope;
  readonly #reject: (error: unknown) => void;
  readonly #verdict: Verdict;
  #stopTimer: (() => void) | undefined;
  #stopListening: (() => void) | undefined;

  constructor(scope: Scope, reject: (error: unknown) => void, verdict: Verdict) {
    this.#scope = scope;
    this.#reject = reject;
    this.#verdict = verdict;
    scope.enclose(this);
  }

  limit(ms: number, clock: Clock): void {
    this.#stopTimer = clock.after(Math.max(0, ms), () => {
      this.cut(this.#verdict.late(ms));
    });
  }

  listen(signal: AbortSignalLike): void {
    this.#stopListening = onAbort(signal, () => {
      this.cut(abortErrorOf(signal));
    });
  }

  cut(error: unknown): void {
    this.fail(error);
    this.#scope.end(error);
  }

  /** The work failed: whatever comes from it, or ends it, later is nobody's. */
  fail(error: unknown): void {
    if (this.#settle()) this.#reject(this.#verdict.failed(error));
  }

  /** True when the work's success is the end of the attempt. */
  succeed(): boolean {
    const isFirst = this.#settle();
    if (isFirst) this.#verdict.succeeded();
    return isFirst;
  }

  #settle(): boolean {
    this.#stopTimer?.();
    this.#stopListening?.();
    return this.#scope.release(this);
  }
}

/**
 * Calls `work` at once and settles as it does, but no later than `ms` milliseconds (then with the verdict's `late`) and no
 * later than the caller's abort. In both cases the scope's signal aborts and whatever `work` does afterwards is ignored.
 */
export function bounded<T>(
  work: (scope: Attempt) => Promise<T> | T,
  scope: Scope,
  ms: number,
  clock: Clock,
  signal: AbortSignalLike | undefined,
  verdict: Verdict,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const bounds = new Bounds(scope, reject, verdict);
    if (signal !== undefined) {
      if (signal.aborted) {
        bounds.cut(abortErrorOf(signal));
        return;
      }
      bounds.listen(signal);
    }
    if (ms !== Infinity) bounds.limit(ms, clock);
    // In this turn, or an abort could come between the decision to begin and the beginning.
    begin(work, scope).then(
      (value) => {
        if (bounds.succeed()) resolve(value);
      },
      (error: unknown) => {
        bounds.fail(error);
      },
    );
  });
}

/** A native promise comes back as it is: each turn between its success and ours is one in which an abort discards it. */
function begin<T>(work: (scope: Attempt) => Promise<T> | T, scope: Scope): Promise<T> {
  try {
    return Promise.resolve(work(scope));
  } catch (error) {
    return Promise.reject(error);
  }
}
