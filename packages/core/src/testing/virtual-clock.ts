import type { Clock } from "../clock.ts";
import { TimerHeap, type Timer } from "./timer-heap.ts";

/** Time that moves only when told to. */
export interface VirtualClock extends Clock {
  /** Moves on by `ms`, firing what falls due in order and letting promises settle in between. */
  advance(ms: number): Promise<void>;
  /** Moves from timer to timer until `promise` settles, and settles as it does. Fails when no timer is left. */
  settle<T>(promise: Promise<T>): Promise<T>;
  /** Timers that have neither fired nor been cancelled. */
  readonly pending: number;
}

/** Starts at 0 ms; `wallNow()` starts at `epochMs` (default 0). */
export function virtualClock(epochMs = 0): VirtualClock {
  const timers = new TimerHeap();
  let now = 0;
  const fire = (timer: Timer): void => {
    timers.remove(timer);
    now = Math.max(now, timer.at);
    timer.fire();
  };
  return {
    now: () => now,
    wallNow: () => epochMs + now,
    after(ms, callback) {
      const timer = timers.add(now + Math.max(0, ms), callback);
      return () => {
        timers.remove(timer);
      };
    },
    async advance(ms) {
      const end = now + ms;
      await idle();
      for (let timer = timers.first; timer !== undefined && timer.at <= end; timer = timers.first) {
        fire(timer);
        await idle();
      }
      now = end;
    },
    async settle(promise) {
      let settled = false as boolean;
      const mark = (): void => {
        settled = true;
      };
      promise.then(mark, mark);
      await idle();
      while (!settled) {
        const timer = timers.first;
        if (timer !== undefined) fire(timer);
        else if (!(await stirs(() => settled || timers.size > 0))) {
          throw new Error("The promise is pending and no timer is left to move it.");
        }
        await idle();
      }
      return promise;
    },
    get pending() {
      return timers.size;
    },
  };
}

/** Gives a longer chain of promises its time before it counts as stuck. */
async function stirs(moved: () => boolean): Promise<boolean> {
  for (let round = 0; round < 100 && !moved(); round += 1) await idle();
  return moved();
}

/** Lets every promise reaction that is already due run; pure promise chains are a few dozen steps deep at most. */
async function idle(): Promise<void> {
  for (let step = 0; step < 50; step += 1) await Promise.resolve();
}
