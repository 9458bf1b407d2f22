/** A stream from a client, as a hub method reads it. */
export class Upload implements AsyncIterable<unknown>, AsyncIterator<unknown, undefined> {
  readonly #items: unknown[] = [];
  #end: { readonly error?: Error } | undefined;
  #wake = (): void => undefined;

  push(item: unknown): void {
    if (this.#end !== undefined) return;
    this.#items.push(item);
    this.#wake();
  }

  finish(error?: Error): void {
    this.#end ??= error === undefined ? {} : { error };
    this.#wake();
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    for (;;) {
      if (this.#items.length > 0) return { done: false, value: this.#items.shift() };
      if (this.#end?.error !== undefined) throw this.#end.error;
      if (this.#end !== undefined) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    this.finish();
    this.#items.length = 0;
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
