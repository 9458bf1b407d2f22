import type { OperationOptionsBase } from "@azure/service-bus";
import type { AbortSignalLike } from "@holdfast/core";

/** What the official client takes as a signal; its listeners get an event. */
type OfficialSignal = NonNullable<OperationOptionsBase["abortSignal"]>;
type Listener = Parameters<OfficialSignal["addEventListener"]>[1];

/**
 * An abort signal that costs next to nothing until somebody listens: for single calls and transfers, of which there are
 * thousands a second, each with one listener as a rule. Many may listen without the warnings of a real one.
 */
export class Lifetime implements OfficialSignal, AbortSignalLike {
  // Not a Set: what is added and deleted all the time rehashes it all the time, and each table that a Set has left keeps
  // the next one, with all that is in it, alive until a full collection. It doubled the processor time of a send.
  #first: Listener | undefined;
  #others: Listener[] | undefined;
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
    const first = this.#first;
    const others = this.#others ?? [];
    this.#first = undefined;
    this.#others = undefined;
    first?.call(this, { type: "abort", target: this });
    for (const listener of others) listener.call(this, { type: "abort", target: this });
  }

  addEventListener(_type: "abort", listener: Listener): void {
    if (this.#first === undefined) this.#first = listener;
    else (this.#others ??= []).push(listener);
  }

  removeEventListener(_type: "abort", listener: Listener): void {
    if (this.#first === listener) this.#first = undefined;
    else this.#others = this.#others?.filter((other) => other !== listener);
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
