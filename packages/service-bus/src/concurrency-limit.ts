/** How many may work at once; the number may change, and those who wait go in order. */
export class ConcurrencyLimit {
  #limit: number;
  #working = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get working(): number {
    return this.#working;
  }

  set limit(limit: number) {
    this.#limit = limit;
    this.#admit();
  }

  async enter(): Promise<void> {
    if (this.#working >= this.#limit) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
      return;
    }
    this.#working += 1;
  }

  leave(): void {
    this.#working -= 1;
    this.#admit();
  }

  #admit(): void {
    while (this.#working < this.#limit) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#working += 1;
      next();
    }
  }
}
