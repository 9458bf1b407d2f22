/**
 * The credits spent in the latest stretch of time, so that no stretch of that length ever holds more than the limit.
 * Not a bucket: a full bucket on top of a second's refill is twice the limit in one of the service's windows.
 */
export class CreditWindow {
  /** Credits in any stretch. */
  limit: number;
  readonly #lengthMs: number;
  /** What was spent when, oldest first, from #first on. */
  readonly #spent: { readonly since: number; at: number; credits: number }[] = [];
  #first = 0;
  #sum = 0;

  constructor(limit: number, lengthMs: number) {
    this.limit = limit;
    this.#lengthMs = lengthMs;
  }

  /** When `credits` more will fit, in the clock's milliseconds; `now` or earlier when they fit already. */
  freeAt(credits: number, now: number): number {
    this.#forget(now);
    let excess = this.#sum + Math.min(credits, this.limit) - this.limit;
    for (let index = this.#first; excess > 0; index += 1) {
      const entry = this.#spent[index];
      if (entry === undefined) break;
      excess -= entry.credits;
      if (excess <= 0) return entry.at + this.#lengthMs;
    }
    return now;
  }

  /** One operation that costs more than the limit fills the window. */
  spend(credits: number, now: number): void {
    const last = this.#spent.at(-1);
    const amount = Math.min(credits, this.limit);
    // What is spent within a few milliseconds counts as spent at the last of them: few entries, and never too little.
    if (last !== undefined && this.#spent.length > this.#first && now - last.since < this.#lengthMs / 200) {
      last.credits += amount;
      last.at = now;
    } else this.#spent.push({ since: now, at: now, credits: amount });
    this.#sum += amount;
  }

  #forget(now: number): void {
    for (let entry = this.#spent[this.#first]; entry !== undefined; entry = this.#spent[this.#first]) {
      if (entry.at + this.#lengthMs > now) break;
      this.#sum -= entry.credits;
      this.#first += 1;
    }
    if (this.#first * 2 > this.#spent.length) {
      this.#spent.splice(0, this.#first);
      this.#first = 0;
    }
  }
}
