import type { Clock } from "@holdfast/core";

const everyMs = 500;

/**
 * Tells when the event loop was busy for longer than `lagMs`: renewals come late then, and locks are lost.
 *
 * @returns a function that ends it.
 */
export function watchEventLoop(clock: Clock, lagMs: number, late: (lagMs: number) => void): () => void {
  let stop = (): void => undefined;
  const arm = (): void => {
    const dueAt = clock.now() + everyMs;
    stop = clock.after(everyMs, () => {
      const lag = clock.now() - dueAt;
      if (lag > lagMs) late(lag);
      arm();
    });
  };
  arm();
  return () => {
    stop();
  };
}
