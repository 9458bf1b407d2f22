import type { ServiceBusReceivedMessage, ServiceBusSessionReceiver } from "@azure/service-bus";
import type { Attempt } from "@holdfast/core";

/** A lock that the service holds for us, on a message or a session. */
export class Lock {
  readonly entityPath: string;
  /** One renewal through the official client; resolves with the end of the lock by the service's clock. */
  readonly renew: (attempt: Attempt) => Promise<Date>;
  /** A settlement is under way: a renewal that is refused meanwhile may only have come after it. */
  isSettling = false;
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
    this.#controller?.abort(error);
  }
}

type Locked = ServiceBusReceivedMessage | ServiceBusSessionReceiver;

const locks = new WeakMap<Locked, Lock>();

/** Remembers which lock a message or a session receiver depends on. */
export function rememberLock(locked: Locked, lock: Lock): void {
  locks.set(locked, lock);
}

/**
 * Aborts when the lock on a message, or of a session, is lost: its renewal was refused, it ran out, or the session's link was
 * closed. From then on somebody else may have the message, so a handler should stop having effects; nothing that it settles
 * reaches the service. The reason is the official error (`MessageLockLost` or `SessionLockLost`). For a message without a
 * lock (peeked, received and deleted, or from an official client) it never aborts.
 *
 * ```ts
 * receiver.subscribe({
 *   processMessage: async (message) => { await fetch(url, { signal: lockSignal(message) }); },
 *   processError: async () => {},
 * });
 * ```
 */
export function lockSignal(locked: ServiceBusReceivedMessage | ServiceBusSessionReceiver): AbortSignal {
  return locks.get(locked)?.signal ?? new AbortController().signal;
}
