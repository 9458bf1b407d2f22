import { abortErrorOf, onAbort, type AbortSignalLike } from "./abort.ts";
import type { Clock } from "./clock.ts";

/** What one attempt gets: its number, and a signal that aborts on its timeout, the deadline and the caller's abort. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  /** Made when first asked for, because most attempts of a fast operation never look at it. */
  readonly signal: AbortSignal;
}

/** The lazily signalled {@link Attempt}. */
export class Scope implements Attempt {
  #controller: AbortController | undefined;
  #ended: { readonly reason: unknown } | undefined;

  constructor(readonly number: number) {}

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#ended !== undefined) this.#controller.abort(this.#ended.reason);
    }
    return this.#controller.signal;
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
): Promise<T> | T {
  if (ms === Infinity && signal === undefined) return work(scope);
  return new Promise<T>((resolve, reject) => {
    const settle = (): void => {
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
    const stopTimer = ms === Infinity ? undefined : clock.after(Math.max(0, ms), () => { cut(late()); });
    Promise.resolve(scope).then(work).then(
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
