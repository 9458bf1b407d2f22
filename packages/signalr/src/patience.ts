import { noAnswer, type Clock } from "@holdfast/core";

interface Waiting {
  readonly method: string;
  readonly reject: (error: Error) => void;
}

/** Calls of so many parts of the time allowed go together: what is late is given up up to one part later. */
const parts = 16;

/**
 * Gives up calls that have no answer after a time that is the same for all of them. One timer for all, and no look at the
 * clock: either of them for each call would cost as much as the rest of what is added to it.
 */
export class Patience {
  readonly #ms: number;
  readonly #clock: Clock;
  readonly #note: (error: unknown) => void;
  /** The latest last. */
  #generations: Set<Waiting>[] = [];
  #latest = new Set<Waiting>();
  #stopTimer: (() => void) | undefined;

  /** @param note - hears of every failure before its caller does. */
  constructor(ms: number, clock: Clock, note: (error: unknown) => void) {
    this.#ms = ms;
    this.#clock = clock;
    this.#note = note;
  }

  /** Settles as the call does, or rejects when there is no answer in time: the server may have carried it out. */
  limit<T>(call: Promise<T>, method: string): Promise<T> {
    const generation = this.#latest;
    if (this.#stopTimer === undefined) this.#arm();
    return new Promise<T>((resolve, reject) => {
      const one: Waiting = { method, reject };
      generation.add(one);
      call.then(
        (value) => {
          generation.delete(one);
          resolve(value);
        },
        (error: unknown) => {
          generation.delete(one);
          this.#note(error);
          reject(error);
        },
      );
    });
  }

  /** Keeps no timer any longer; what is under way is settled by whoever ends the connection. */
  end(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  #arm(): void {
    this.#stopTimer = this.#clock.after(this.#ms / parts, () => {
      this.#stopTimer = undefined;
      this.#turn();
    });
  }

  #turn(): void {
    this.#generations.push(this.#latest);
    this.#latest = new Set();
    // The youngest of a generation began just before the turn that ended it.
    if (this.#generations.length > parts) {
      for (const { method, reject } of this.#generations.shift() ?? []) {
        const error = noAnswer(method, this.#ms);
        this.#note(error);
        reject(error);
      }
    }
    if (this.#generations.some(({ size }) => size > 0)) this.#arm();
    else this.#generations = [];
  }
}
