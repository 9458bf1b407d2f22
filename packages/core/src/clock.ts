import type { Platform, PlatformTimer } from "./timer-line.ts";

/**
 * Time as the policy core sees it. Every wait of Holdfast goes through one of these, so a test can replace it
 * and no other file needs a timer of its own.
 */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary origin. Use for durations. */
  now(): number;
  /** Milliseconds since the Unix epoch. Use only to read dates that a server sent. */
  wallNow(): number;
  /** Calls `fire` once after `ms` milliseconds (never synchronously, never early); returns a function that cancels it. */
  after(ms: number, fire: () => void): () => void;
}

/** The longest delay a JavaScript timer takes; a longer one would fire at once (32-bit overflow). */
export const MAX_TIMER_MS = 2_147_483_647;

/**
 * Real time. Delays longer than {@link MAX_TIMER_MS} are served in parts, and a timer that fired early (timers drop
 * fractions of a millisecond) is set again, because a server's hint is a floor.
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  after(ms, fire) {
    const due = performance.now() + ms;
    let timer: ReturnType<typeof setTimeout>;
    const arm = (leftMs: number): void => {
      timer = setTimeout(check, Math.min(Math.ceil(leftMs), MAX_TIMER_MS));
    };
    const check = (): void => {
      const leftMs = due - performance.now();
      if (leftMs > 0) arm(leftMs);
      else fire();
    };
    arm(ms);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** The timers behind {@link systemClock}, for clocks made of the same. */
export const platformTimers: Platform = {
  get kind() {
    return setTimeout;
  },
  now: () => performance.now(),
  set: (ms, fire) => setTimeout(fire, Math.ceil(ms)) as PlatformTimer,
};
