import type { SimulatorClock, Timers } from "../clock.ts";

// Many messages with times to live a little apart share a sweep.
const GRAIN_MS = 10;

/** One timer for the earliest of many times to live. */
export class ExpiryWatch {
  readonly #clock: SimulatorClock;
  readonly #timers: Timers;
  readonly #due: () => void;
  #next = Infinity;
  #cancel = (): void => undefined;

  /** @param due - called when something has expired; it says with {@link expect} what expires next */
  constructor(clock: SimulatorClock, timers: Timers, due: () => void) {
    this.#clock = clock;
    this.#timers = timers;
    this.#due = due;
  }

  /** Something expires then, in milliseconds since the epoch. */
  expect(expiresAt: number): void {
    const sweepAt = Math.ceil(expiresAt / GRAIN_MS) * GRAIN_MS;
    if (!(sweepAt < this.#next)) return;
    this.end();
    this.#next = sweepAt;
    // Timers may fire a little early; what is found unexpired then would wait for the next sweep.
    const delayMs = Math.max(0, sweepAt - this.#clock.wallNow()) + 1;
    this.#cancel = this.#timers.after(delayMs, () => {
      this.#next = Infinity;
      this.#due();
    });
  }

  end(): void {
    this.#cancel();
    this.#next = Infinity;
  }
}
