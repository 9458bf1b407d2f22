/**
 * Time as the simulators see it: lock expiry, duplicate detection windows, throttle windows, delays and every
 * `at` of the journal read this one source, so a test may replace it. Structurally the same as the clock of
 * the policy core, which the simulators do not import.
 */
export interface SimulatorClock {
  /** Monotonic milliseconds since an arbitrary origin, fractional. */
  now(): number;
  /** Milliseconds since the Unix epoch: what goes on the wire as a date. */
  wallNow(): number;
  /** Calls `fire` once after `ms` milliseconds, never synchronously, never early; the returned function cancels it. */
  after(ms: number, fire: () => void): () => void;
}

// A longer delay overflows Node's 32-bit timer and would fire at once.
const MAX_TIMER_MS = 2_147_483_647;

/**
 * Real time. A timer that fired early (timers drop fractions of a millisecond) is set again: what ends at a time must not be
 * seen to end before it.
 */
export const realClock: SimulatorClock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  after(ms, fire) {
    const due = performance.now() + ms;
    let timer: NodeJS.Timeout;
    const arm = (leftMs: number): void => {
      timer = setTimeout(check, Math.min(Math.ceil(leftMs), MAX_TIMER_MS));
    };
    const check = (): void => {
      const leftMs = due - performance.now();
      if (leftMs > 0) arm(leftMs);
      else fire();
    };
    arm(Math.max(0, ms));
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Every timer of one simulator, so that closing it can end them all. */
export class Timers {
  readonly #clock: SimulatorClock;
  readonly #pending = new Set<() => void>();

  constructor(clock: SimulatorClock) {
    this.#clock = clock;
  }

  /** Calls `fire` after `ms` milliseconds unless cancelled by the returned function or by {@link cancelAll}. */
  after(ms: number, fire: () => void): () => void {
    const stop = this.#clock.after(ms, () => {
      this.#pending.delete(cancel);
      fire();
    });
    const cancel = (): void => {
      stop();
      this.#pending.delete(cancel);
    };
    this.#pending.add(cancel);
    return cancel;
  }

  /** Ends every pending timer; none of them fires. */
  cancelAll(): void {
    for (const cancel of [...this.#pending]) cancel();
  }
}
