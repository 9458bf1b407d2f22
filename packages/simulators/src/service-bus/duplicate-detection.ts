/** Which message ids a queue has stored lately. The window starts when an id is first stored and is not prolonged. */
export class DuplicateDetection {
  readonly #windowMs: () => number;
  readonly #now: () => number;
  // Insertion order is age order, so forgetting starts at the front.
  readonly #firstStored = new Map<string, number>();

  /** @param windowMs - how long an id is remembered; 0 remembers nothing */
  constructor(windowMs: () => number, now: () => number) {
    this.#windowMs = windowMs;
    this.#now = now;
  }

  /** True when this id was stored within the window; otherwise remembers it and answers false. */
  isDuplicate(messageId: string): boolean {
    const windowMs = this.#windowMs();
    if (windowMs === 0) return false;
    const now = this.#now();
    for (const [id, at] of this.#firstStored) {
      if (now - at < windowMs) break;
      this.#firstStored.delete(id);
    }
    if (this.#firstStored.has(messageId)) return true;
    this.#firstStored.set(messageId, now);
    return false;
  }
}
