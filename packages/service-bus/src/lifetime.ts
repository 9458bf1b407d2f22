import type { AbortSignalLike } from "@holdfast/core";

/**
 * An abort signal for everything an object has in hand: hundreds of calls may listen at once without the warnings and
 * the cost of a real one, and each call may join its caller's own signal to it.
 */
export class Lifetime implements AbortSignalLike {
  readonly #listeners = new Set<() => void>();
  #reason: unknown;
  #ended = false;

  get aborted(): boolean {
    return this.#ended;
  }

  get reason(): unknown {
    return this.#reason;
  }

  /** Ends it; every listener hears of it once. */
  end(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#reason = reason;
    for (const listener of [...this.#listeners]) listener();
    this.#listeners.clear();
  }

  addEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.delete(listener);
  }

  /** A signal that aborts with this lifetime or with the caller's signal, whichever comes first. */
  with(signal: AbortSignalLike | undefined): AbortSignalLike {
    return signal === undefined ? this : new Joined(this, signal);
  }
}

class Joined implements AbortSignalLike {
  readonly #signals: readonly [AbortSignalLike, AbortSignalLike];

  constructor(...signals: [AbortSignalLike, AbortSignalLike]) {
    this.#signals = signals;
  }

  get aborted(): boolean {
    return this.#signals.some((signal) => signal.aborted);
  }

  get reason(): unknown {
    return this.#signals.find((signal) => signal.aborted)?.reason;
  }

  addEventListener(type: "abort", listener: () => void): void {
    for (const signal of this.#signals) signal.addEventListener(type, listener);
  }

  removeEventListener(type: "abort", listener: () => void): void {
    for (const signal of this.#signals) signal.removeEventListener(type, listener);
  }
}
