/** The user's callbacks for one kind of news. One that throws takes the news from nobody else, unlike in the official client. */
export class Listeners<A extends unknown[]> {
  readonly #self: object;
  readonly #callbacks: ((...args: A) => unknown)[] = [];

  constructor(self: object) {
    this.#self = self;
  }

  add(callback: (...args: A) => unknown): void {
    this.#callbacks.push(callback);
  }

  readonly tell = (...args: A): void => {
    for (const callback of [...this.#callbacks]) {
      try {
        const returned = callback.apply(this.#self, args);
        // An async callback's rejection would end the process.
        if (returned instanceof Promise) returned.catch(() => undefined);
      } catch {
        // Theirs; the connection goes on.
      }
    }
  };
}
