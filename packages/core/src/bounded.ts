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
  #controller: AbortController | undefined;
  #ended: { readonly reason: unknown } | undefined;
  #cut: ((error: Error) => void) | undefined;

  constructor(readonly number: number) {}

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
    this.#cut?.(error);
  }

  /** Says what `fail` does; {@link bounded} sets it for as long as the work is under way. */
  onFail(cut: ((error: Error) => void) | undefined): void {
    this.#cut = cut;
  }

  end(reason: unknown): void {
    this.#ended ??= { reason };
    this.#controller?.abort(reason);
  }
}

/**
 * Calls `work` at once and settles as it does, but no later than `ms` milliseconds (then with `late()`) and no later than the
 * caller's abort. In both cases the scope's signal aborts and whatever `work` does afterwards is ignored.
 */
export function bounded<T>(
  work: (scope: Attempt) => Promise<T> | T,
  scope: Scope,
  ms: number,
  late: () => Error,
  clock: Clock,
  signal: AbortSignalLike | undefined,
): Promise<T> {
  if (signal?.aborted === true) return Promise.reject(abortErrorOf(signal));
  return new Promise<T>((resolve, reject) => {
    const settle = (): void => {
      scope.onFail(undefined);
      stopTimer?.();
      stopListening();
    };
    const cut = (error: Error): void => {
      settle();
      reject(error);
      scope.end(error);
    };
    const stopListening = onAbort(signal, () => {
      cut(abortErrorOf(signal as AbortSignalLike));
    });
    const stopTimer =
      ms === Infinity
        ? undefined
        : clock.after(Math.max(0, ms), () => {
            cut(late());
          });
    scope.onFail(cut);
    // In this turn, or an abort could come between the decision to begin and the beginning.
    begin(work, scope).then(
      (value) => {
        settle();
        resolve(value);
      },
      (error: unknown) => {
        settle();
        reject(error);
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
