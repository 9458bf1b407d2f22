import type { OperationOptionsBase } from "@azure/service-bus";
import type { AbortSignalLike } from "@holdfast/core";

/** What the official client takes as a signal; its listeners get an event. */
type OfficialSignal = NonNullable<OperationOptionsBase["abortSignal"]>;
type Listener = Parameters<OfficialSignal["addEventListener"]>[1];

/**
 * An abort signal that costs next to nothing until somebody listens. For everything an object has in hand: hundreds of
 * calls may listen at once without the warnings of a real one, and each may join its caller's own signal to it. And for
 * single transfers, of which there are thousands a second.
 */
export class Lifetime implements OfficialSignal, AbortSignalLike {
  /** Made with the first listener: most transfers end before anybody listens. */
  #listeners: Set<Listener> | undefined;
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
    const listeners = [...(this.#listeners ?? [])];
    this.#listeners = undefined;
    for (const listener of listeners) listener.call(this, { type: "abort", target: this });
  }

  addEventListener(_type: "abort", listener: Listener): void {
    (this.#listeners ??= new Set()).add(listener);
  }

  removeEventListener(_type: "abort", listener: Listener): void {
    this.#listeners?.delete(listener);
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
