import type { Timers } from "../clock.ts";

/** Tasks in their order; while one is held up, those behind it wait. */
export class OrderedLane {
  readonly #timers: Timers;
  readonly #waiting: (() => void)[] = [];
  #held = false;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Runs the task: now, unless an earlier one is held up. */
  run(task: () => void): void {
    if (this.#held) this.#waiting.push(task);
    else task();
  }

  /** Runs the task in `ms` milliseconds; what comes meanwhile waits behind it. */
  runAfter(ms: number, task: () => void): void {
    this.#held = true;
    this.#timers.after(ms, () => {
      this.#held = false;
      task();
      // A task may hold up the lane again: then the rest stays where it is.
      while (!this.#stopped()) this.#waiting.shift()?.();
    });
  }

  #stopped(): boolean {
    return this.#held || this.#waiting.length === 0;
  }
}
