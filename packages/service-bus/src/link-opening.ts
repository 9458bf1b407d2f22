import { onAbort, run, type Attempt } from "@holdfast/core";
import { isTimeout, timeoutError } from "./official-errors.ts";
import type { Resilience } from "./resilience.ts";

/** What an opening does to the link it opens. */
export interface OpeningSteps {
  /** One attempt to open. */
  readonly attempt: (scope: Attempt) => Promise<void>;
  /** Moves to another connection, because this one holds as many tokens as the service allows. */
  readonly rotate: () => void;
}

/**
 * One reconnect for everybody who waits for the link, under the policy `serviceBus.connect`. It goes on as long as
 * somebody waits.
 */
export class LinkOpening {
  /** Settles when the link is open, or cannot be opened. */
  readonly done: Promise<void>;
  readonly #abort = new AbortController();
  #waiting = 0;
  #lastError: unknown;

  constructor(entityPath: string, resilience: Resilience, steps: OpeningSteps) {
    const { policy, classify, clock, random, onEvent } = resilience;
    const attempt = async (scope: Attempt): Promise<void> => {
      if (scope.number > 1 && this.#waiting === 0) this.abandon();
      try {
        await steps.attempt(scope);
      } catch (error) {
        this.#lastError = error;
        throw error;
      }
    };
    this.done = run(attempt, {
      operation: "serviceBus.connect",
      target: entityPath,
      policy: policy("serviceBus.connect"),
      classify,
      clock,
      random,
      onEvent,
      signal: this.#abort.signal,
      // A refresh is a new link with a new token, which the next attempt makes by itself.
      act: (action) => {
        if (action === "rotate") steps.rotate();
      },
      timeoutError: (ms) => (this.#lastError = timeoutError(entityPath, ms)),
    });
    this.done.catch(() => {
      // Heard by those who wait; when nobody does, the next who asks will try again.
    });
  }

  /** Waits for the link, until the signal aborts. */
  join(signal: AbortSignal): Promise<void> {
    this.#waiting += 1;
    const left = new Promise<never>((_, reject) => {
      const leave = (): void => {
        // After the caller's deadline the trouble with the connection says more than "too late".
        const reason: unknown = isTimeout(signal.reason) ? (this.#lastError ?? signal.reason) : signal.reason;
        reject(reason);
      };
      if (signal.aborted) leave();
      else onAbort(signal, leave);
    });
    return Promise.race([this.done, left]).finally(() => {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.abandon();
    });
  }

  /** Stops trying. */
  abandon(): void {
    this.#abort.abort();
  }
}
