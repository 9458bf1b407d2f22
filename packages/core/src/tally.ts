/**
 * The outcomes of the latest calls, as many as asked for, and whether too many of them failed. Five in a row are five
 * of the latest five.
 */
export class Tally {
  readonly #outcomes: Uint8Array;
  readonly #limit: number;
  #next = 0;
  #counted = 0;
  #failed = 0;

  /** @param share - of the latest `of` calls, above 0, up to 1. */
  constructor(of: number, share: number) {
    this.#outcomes = new Uint8Array(of);
    this.#limit = Math.max(1, Math.ceil(of * share));
  }

  /** Counts one call; true when the limit is reached, once there were enough. */
  count(failed: boolean): boolean {
    const outcome = failed ? 1 : 0;
    this.#failed += outcome - (this.#outcomes[this.#next] ?? 0);
    this.#outcomes[this.#next] = outcome;
    this.#next = this.#next + 1 === this.#outcomes.length ? 0 : this.#next + 1;
    if (this.#counted < this.#outcomes.length) this.#counted += 1;
    return this.#failed >= this.#limit && this.#counted === this.#outcomes.length;
  }

  clear(): void {
    this.#outcomes.fill(0);
    this.#next = 0;
    this.#counted = 0;
    this.#failed = 0;
  }
}
