/** Something to be called at a time. */
export interface Timer {
  readonly at: number;
  /** Of two at the same time, the one that was set first fires first. */
  readonly order: number;
  readonly fire: () => void;
  /** Where it stands in the heap; -1 when it does not. */
  index: number;
}

/** Timers, the earliest at hand; adding and removing take logarithmic time, so that models may have many thousands. */
export class TimerHeap {
  readonly #timers: Timer[] = [];
  #added = 0;

  get size(): number {
    return this.#timers.length;
  }

  get first(): Timer | undefined {
    return this.#timers[0];
  }

  add(at: number, fire: () => void): Timer {
    this.#added += 1;
    const timer = { at, order: this.#added, fire, index: this.#timers.length };
    this.#timers.push(timer);
    this.#rise(timer);
    return timer;
  }

  /** Does nothing when it is not there any more. */
  remove(timer: Timer): void {
    const { index } = timer;
    const last = this.#timers[index] === timer ? this.#timers.pop() : undefined;
    timer.index = -1;
    if (last === undefined || last === timer) return;
    this.#put(last, index);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(timer: Timer): void {
    while (timer.index > 0) {
      const parent = this.#timers[(timer.index - 1) >> 1] as Timer;
      if (!isBefore(timer, parent)) return;
      this.#swap(timer, parent);
    }
  }

  #sink(timer: Timer): void {
    for (;;) {
      const left = this.#timers[2 * timer.index + 1];
      const right = this.#timers[2 * timer.index + 2];
      const child = left !== undefined && right !== undefined && isBefore(right, left) ? right : left;
      if (child === undefined || !isBefore(child, timer)) return;
      this.#swap(child, timer);
    }
  }

  #swap(one: Timer, other: Timer): void {
    const { index } = one;
    this.#put(one, other.index);
    this.#put(other, index);
  }

  #put(timer: Timer, index: number): void {
    timer.index = index;
    this.#timers[index] = timer;
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
