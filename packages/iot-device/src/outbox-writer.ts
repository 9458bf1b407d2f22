import type { OutboxStore, StoredMessage } from "./outbox-store.ts";

interface Append {
  readonly message: StoredMessage;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** Brings what happens at about the same time to the store together: one write to the disk for many messages. */
export class OutboxWriter {
  readonly #store: OutboxStore;
  #appends: Append[] = [];
  #removals: number[] = [];
  #writing: Promise<void> | undefined;

  constructor(store: OutboxStore) {
    this.#store = store;
  }

  /** Resolves once it is as safe as the store makes it. */
  append(message: StoredMessage): Promise<void> {
    return new Promise((done, failed) => {
      this.#appends.push({ message, done, failed });
      this.#write();
    });
  }

  /** Soon: until then a crash would only have it sent again. */
  remove(sequence: number): void {
    this.#removals.push(sequence);
    this.#write();
  }

  /** Resolves when everything so far is written. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  #write(): void {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
      if (this.#appends.length > 0 || this.#removals.length > 0) this.#write();
    });
  }

  async #writeAll(): Promise<void> {
    // What is asked for in this turn goes together.
    await Promise.resolve();
    const appends = this.#appends;
    const removals = this.#removals;
    this.#appends = [];
    this.#removals = [];
    try {
      if (appends.length > 0) await this.#store.append(appends.map(({ message }) => message));
      for (const { done } of appends) done();
    } catch (error) {
      for (const { failed } of appends) failed(error);
    }
    // What could not be removed is sent once more by the next process: allowed, and better than to stop here.
    if (removals.length > 0) await this.#store.remove(removals).catch(() => undefined);
  }
}
