import type { Attempt, Keeping } from "@holdfast/core";

/** Who hears of the loss of a lock, before its signal does. */
export interface LockHolder {
  lockLost(): void;
}

/** A lock that the service holds for us, on a message or a session. */
export abstract class Lock {
  readonly entityPath: string;
  /** While it is kept. */
  keeping: Keeping | undefined;
  /** When it ends, as far as its keeper knows, by the clock. */
  expiresAt = 0;
  /** A settlement is under way: a renewal that is refused meanwhile may only have come after it. */
  isSettling = false;
  /** The attempt at settling, which ends with the lock: what has run out will not be confirmed. */
  settling: { cut(): void } | undefined;
  holder: LockHolder | undefined;
  /** Who keeps it, or did. */
  keeper: { prolong(lock: Lock, limitMs: number): boolean } | undefined;
  #lost: Error | undefined;
  /** Made when first asked for: most handlers never look. */
  #controller: AbortController | undefined;

  constructor(entityPath: string) {
    this.entityPath = entityPath;
  }

  /** One renewal through the official client; resolves with the end of the lock by the service's clock. */
  abstract renew(attempt: Attempt): Promise<Date>;

  /** The connection holds as many tokens as the service allows: the next renewal goes by another, if it can. */
  abstract rotate(): void;

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
    this.holder?.lockLost();
    this.settling?.cut();
    this.#controller?.abort(error);
  }
}

export { lockSignal } from "./lock-signal.ts";
