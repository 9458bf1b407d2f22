import { abortErrorOf, onAbort, type AbortSignalLike } from "./abort.ts";
import type { Attempt, Scope } from "./bounded.ts";
import type { Clock } from "./clock.ts";

/** What must be there before an attempt may begin; nothing when there is nothing to wait for. */
export type Ready = (scope: Attempt) => Promise<void> | undefined;

/**
 * Waits for what `ready` returned, at most `ms` milliseconds. When they are over the scope's signal aborts, and what stands
 * behind `ready` has one turn of the event loop to answer with what it was waiting for; then `late()` is the answer.
 * The caller's abort is answered at once.
 */
export function admission(
  waiting: Promise<void>,
  scope: Scope,
  ms: number,
  late: () => unknown,
  clock: Clock,
  signal: AbortSignalLike | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      stopTimer?.();
      stopListening();
    };
    const cut = (error: unknown): void => {
      settle();
      reject(error);
      scope.end(error);
    };
    const stopListening = onAbort(signal, () => {
      cut(abortErrorOf(signal as AbortSignalLike));
    });
    let stopTimer: (() => void) | undefined;
    if (ms !== Infinity) {
      stopTimer = clock.after(Math.max(0, ms), () => {
        const error = late();
        stopTimer = clock.after(0, () => {
          cut(error);
        });
        scope.end(error);
      });
    }
    waiting.then(
      () => {
        settle();
        resolve();
      },
      (error: unknown) => {
        settle();
        reject(error);
      },
    );
    if (signal?.aborted === true) cut(abortErrorOf(signal));
  });
}
