import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import type { Clock } from "@holdfast/core";

/** When a batch is complete. */
export interface BatchBounds {
  readonly count: number;
  /** By the clock. */
  readonly waitUntil: number;
  /** It waits for so long even if that is past. */
  readonly leastWaitMs: number;
  /** How long it waits for more after the first message. */
  readonly afterFirstMs: number;
}

/** Gathers what a link brings until it is enough, or time is up. */
export class BatchCollector {
  readonly messages: ServiceBusReceivedMessage[] = [];
  readonly #clock: Clock;
  readonly #bounds: BatchBounds;
  #finish: ((error: Error | undefined) => void) | undefined;
  #stopTimer: (() => void) | undefined;
  #isOver = false;
  #error: Error | undefined;

  constructor(clock: Clock, bounds: BatchBounds) {
    this.#clock = clock;
    this.#bounds = bounds;
  }

  get count(): number {
    return this.#bounds.count;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  add(message: ServiceBusReceivedMessage): void {
    this.messages.push(message);
    if (this.messages.length >= this.#bounds.count) this.end();
    else if (this.messages.length === 1 && this.#finish !== undefined) this.#endAt(this.#untilMore());
  }

  /** Resolves when it is enough, or time is up, or with what ended it before. */
  collect(): Promise<Error | undefined> {
    if (this.#isOver) return Promise.resolve(this.#error);
    return new Promise((resolve) => {
      this.#finish = resolve;
      const { waitUntil, leastWaitMs } = this.#bounds;
      const until = Math.max(waitUntil, this.#clock.now() + leastWaitMs);
      this.#endAt(this.messages.length > 0 ? Math.min(until, this.#untilMore()) : until);
    });
  }

  end(error?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    this.#stopTimer?.();
    this.#finish?.(error);
  }

  #untilMore(): number {
    return Math.min(this.#bounds.waitUntil, this.#clock.now() + this.#bounds.afterFirstMs);
  }

  #endAt(at: number): void {
    this.#stopTimer?.();
    this.#stopTimer = this.#clock.after(Math.max(0, at - this.#clock.now()), () => {
      this.end();
    });
  }
}
