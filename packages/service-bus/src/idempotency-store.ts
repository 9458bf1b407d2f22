import { badOption } from "@holdfast/core";

/**
 * Remembers which messages were handled, so that one whose completion got lost is not handled again. `add` is awaited after
 * the handler and before the completion, so a store that outlives the process makes this hold across a crash too.
 */
export interface IdempotencyStore {
  has(key: string): Promise<boolean> | boolean;
  add(key: string): Promise<void> | void;
}

/** Remembers the latest keys, in memory. */
export class MemoryIdempotencyStore implements IdempotencyStore {
  readonly #keys = new Set<string>();
  readonly #max: number;

  /**
   * @param maxKeys - the oldest is forgotten when there are more. Default 100 000; 1 or more.
   * @throws HoldfastError `misconfigured`.
   */
  constructor({ maxKeys = 100_000 }: { readonly maxKeys?: number } = {}) {
    if (!(Number.isInteger(maxKeys) && maxKeys >= 1)) {
      throw badOption("MemoryIdempotencyStore.maxKeys", maxKeys, "a whole number, 1 or more");
    }
    this.#max = maxKeys;
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  add(key: string): void {
    this.#keys.delete(key);
    this.#keys.add(key);
    if (this.#keys.size <= this.#max) return;
    const [oldest] = this.#keys;
    if (oldest !== undefined) this.#keys.delete(oldest);
  }
}
