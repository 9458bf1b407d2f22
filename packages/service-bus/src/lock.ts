import type { Attempt } from "@holdfast/core";

/** A lock that the service holds for us, on a message or a session. */
export class Lock {
  readonly entityPath: string;
  /** One renewal through the official client; resolves with the end of the lock by the service's clock. */
  readonly renew: (attempt: Attempt) => Promise<Date>;
  /** A settlement is under way: a renewal that is refused meanwhile may only have come after it. */
  isSettling = false;
  /** Ends the attempt at settling: what has run out will not be confirmed. */
  cutSettling: (() => void) | undefined;
  /** Hears of the loss before the signal does. */
  onLost: (() => void) | undefined;
  #lost: Error | undefined;
  /** Made when first asked for: most handlers never look. */
  #controller: AbortController | undefined;

  constructor(entityPath: string, renew: (attempt: Attempt) => Promise<Date>) {
    this.entityPath = entityPath;
    this.renew = renew;
  }

  /** The official error, once the lock is lost. */
  get lost(): Error | undefined {
    return this.#lost;
  }

  /** Aborts when the lock is lost. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#lost !== undefined) this.#controller.abort(this.#lost);
    }
    return this.#controller.signal;
  }

  lose(error: Error): void {
    if (this.#lost !== undefined) return;
    this.#lost = error;
    this.onLost?.();
    this.cutSettling?.();
    this.#controller?.abort(error);
  }
}

export { lockSignal } from "./lock-signal.ts";
