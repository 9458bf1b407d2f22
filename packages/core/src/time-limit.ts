import { abortErrorOf, onAbort, type AbortSignalLike } from "./abort.ts";
import type { Clock } from "./clock.ts";

/**
 * Calls `work` at once and settles as it does, but no later than `ms` milliseconds (then it rejects with `late()`) and no
 * later than the signal's abort. What `work` does afterwards is ignored. The small sister of `bounded()`, for work that
 * nobody asks about.
 */
export function withinTime<T>(
  work: () => Promise<T>,
  ms: number,
  clock: Clock,
  late: () => Error,
  signal?: AbortSignalLike,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const fail = (error: unknown): void => {
      end();
      reject(error);
    };
    const stopTimer =
      ms === Infinity
        ? undefined
        : clock.after(ms, () => {
            fail(late());
          });
    const stopListening = onAbort(signal, () => {
      fail(abortErrorOf(signal as AbortSignalLike));
    });
    const end = (): void => {
      stopTimer?.();
      stopListening();
    };
    work().then((value) => {
      end();
      resolve(value);
    }, fail);
  });
}
