/**
 * Sees to it that no second holds more credits than the limit, wherever the service lets its seconds begin and however
 * long messages travel: an operation may have been counted at any moment from its beginning to its answer, so it takes
 * up its credits from its beginning until a second after its answer. Not a bucket: a full bucket on top of a second's
 * refill is twice the limit in one of the service's seconds.
 */
export class CreditWindow {
  /** Credits in any second. */
  limit: number;
  /** What was answered when, oldest first, from #first on. */
  readonly #answered: { readonly since: number; at: number; credits: number }[] = [];
  #first = 0;
  #sum = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /**
   * When `credits` more will fit, in the clock's milliseconds; `now` when they fit already, Infinity when an answer has
   * to come first. What costs more than the limit fits when there is nothing else.
   *
   * @param open - credits of operations that were not answered yet.
   */
  freeAt(credits: number, open: number, now: number): number {
    this.#forget(now);
    let excess = open + this.#sum - Math.max(0, this.limit - credits);
    if (excess <= 0) return now;
    for (let index = this.#first; index < this.#answered.length; index += 1) {
      const entry = this.#answered[index];
      if (entry === undefined) break;
      excess -= entry.credits;
      if (excess <= 0) return entry.at + lengthMs;
    }
    return Infinity;
  }

  answered(credits: number, now: number): void {
    const last = this.#answered.length > this.#first ? this.#answered.at(-1) : undefined;
    // What is answered within a few milliseconds counts as answered at the last of them: fewer entries, never too little.
    if (last !== undefined && now - last.since < mergeMs) {
      last.credits += credits;
      last.at = now;
    } else this.#answered.push({ since: now, at: now, credits });
    this.#sum += credits;
  }

  #forget(now: number): void {
    for (let entry = this.#answered[this.#first]; entry !== undefined; entry = this.#answered[this.#first]) {
      if (entry.at + lengthMs > now) break;
      this.#sum -= entry.credits;
      this.#first += 1;
    }
    if (this.#first === this.#answered.length) this.#sum = 0;
    if (this.#first * 2 >= this.#answered.length) {
      this.#answered.splice(0, this.#first);
      this.#first = 0;
    }
  }
}

/** A second, and a little for clocks that do not agree on how long that is. */
const lengthMs = 1_005;
const mergeMs = 5;
