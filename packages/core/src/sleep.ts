import { abortErrorOf, onAbort, type AbortSignalLike } from "./abort.ts";
import type { Clock } from "./clock.ts";

/**
 * Waits `ms` milliseconds; rejects with an `AbortError` at once when the signal aborts, or has.
 * Even a wait of nothing yields to the event loop, or a run of failures would starve the process.
 */
export function sleep(ms: number, clock: Clock, signal: AbortSignalLike | undefined): Promise<void> {
  if (signal?.aborted === true) return Promise.reject(abortErrorOf(signal));
  return new Promise((resolve, reject) => {
    const stopTimer = clock.after(ms, () => {
      stopListening();
      resolve();
    });
    const stopListening = onAbort(signal, () => {
      stopTimer();
      stopListening();
      reject(abortErrorOf(signal as AbortSignalLike));
    });
  });
}
