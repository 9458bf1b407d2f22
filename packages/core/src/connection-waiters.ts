import { onAbort, type AbortSignalLike } from "./abort.ts";

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Everybody who waits for a connection. */
export class ConnectionWaiters {
  readonly #waiters = new Set<Waiter>();

  /** @param reasonFor - what to reject with when the signal aborts. */
  wait(signal: AbortSignalLike | undefined, reasonFor: (signal: AbortSignalLike) => unknown): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiters.delete(waiter);
        stopListening();
      };
      const waiter: Waiter = {
        resolve: () => {
          leave();
          resolve();
        },
        reject: (error) => {
          leave();
          reject(error);
        },
      };
      const stopListening = onAbort(signal, () => {
        waiter.reject(reasonFor(signal as AbortSignalLike));
      });
      this.#waiters.add(waiter);
      if (signal?.aborted === true) waiter.reject(reasonFor(signal));
    });
  }

  resolveAll(): void {
    for (const waiter of [...this.#waiters]) waiter.resolve();
  }

  rejectAll(error: unknown): void {
    for (const waiter of [...this.#waiters]) waiter.reject(error);
  }
}
