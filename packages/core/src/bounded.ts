import { abortErrorOf, onAbort, type AbortSignalLike } from "./abort.ts";
import type { Clock } from "./clock.ts";

/** What one attempt gets: its number, and a signal that aborts on its timeout, the deadline and the caller's abort. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  /** Made when first asked for, because most attempts of a fast operation never look at it. */
  readonly signal: AbortSignal;
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
 * Calls `work` and settles as it does, but no later than `ms` milliseconds (then with `late()`) and no later than the
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
    Promise.resolve(scope)
      .then(work)
      .then(
        (value) => {
          settle();
          resolve(value);
        },
        (error: unknown) => {
          settle();
          // The official error, whatever it is, goes to the caller as it came.
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
          reject(error);
        },
      );
  });
}
