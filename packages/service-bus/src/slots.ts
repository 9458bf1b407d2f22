/** Places for so many at once; whoever comes when all are taken waits in line. */
export class Slots {
  readonly #count: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(count: number) {
    this.#count = count;
  }

  get free(): number {
    return this.#count - this.#taken;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Undefined when there was a place, otherwise resolves when there is. Give it back with {@link leave}. */
  take(): Promise<void> | undefined {
    if (this.#taken < this.#count) {
      this.#taken += 1;
      return undefined;
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken -= 1;
    else next();
  }
}
