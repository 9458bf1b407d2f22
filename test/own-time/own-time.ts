/** Often enough to see each turn that another process got, seldom enough to cost nothing. */
const tickMs = 2;

/**
 * Starts a stopwatch that counts only the time in which this process could run. A claim such as "rejects within 250 ms" is
 * about our code, and on a machine with more work than processors each of its steps waits for others. A timer that is due
 * every 2 ms sees it: what it comes too late is left out. So waits of ours count in full, and what cannot be told from a
 * busy machine, our own computing, does not.
 */
export function ownTime(): () => number {
  const startedAt = performance.now();
  let lateMs = 0;
  let lastAt = startedAt;
  const look = (): void => {
    const now = performance.now();
    // Timers are exact to a millisecond.
    if (now - lastAt > 2 * tickMs) lateMs += now - lastAt - tickMs;
    lastAt = now;
  };
  const timer = setInterval(look, tickMs);
  timer.unref();
  return () => {
    look();
    clearInterval(timer);
    return lastAt - startedAt - lateMs;
  };
}

/** How something ended, and how long it took. */
export interface Timed<T> {
  /** By the clock: for what must not be sooner. */
  readonly ms: number;
  /** Of this process, {@link ownTime}: for what must not be later. */
  readonly ownMs: number;
  readonly value?: T;
  readonly error?: Error;
}

/** Waits for the end of something that has just begun. */
export async function timed<T>(work: PromiseLike<T>): Promise<Timed<T>> {
  const startedAt = performance.now();
  const own = ownTime();
  const took = (): { ms: number; ownMs: number } => ({ ms: performance.now() - startedAt, ownMs: own() });
  try {
    const value = await work;
    return { ...took(), value };
  } catch (error) {
    return { ...took(), error: error as Error };
  }
}
