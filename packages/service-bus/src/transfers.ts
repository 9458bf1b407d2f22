import type { Clock } from "@holdfast/core";
import { Lifetime } from "./lifetime.ts";
import { timeoutError } from "./official-errors.ts";

/** Who hears what of a transfer, besides its sender. */
export interface TransferEvents {
  /** The service answered, with an acceptance or a refusal. */
  readonly answered: () => void;
  /** No answer came in time. */
  readonly unanswered: (error: Error) => void;
  /** It is over, however it ended. */
  readonly over: () => void;
}

/** The transfers under way on one official sender, each bounded in time. */
export class Transfers {
  readonly #entityPath: string;
  readonly #clock: Clock;
  readonly #underWay = new Set<(error: Error) => void>();

  constructor(entityPath: string, clock: Clock) {
    this.#entityPath = entityPath;
    this.#clock = clock;
  }

  get size(): number {
    return this.#underWay.size;
  }

  /** Settles as `work` does, but within `timeoutMs` milliseconds and no later than {@link failAll}. */
  start(work: (signal: Lifetime) => Promise<void>, timeoutMs: number, events: TransferEvents): Promise<void> {
    const abort = new Lifetime();
    return new Promise((resolve, reject) => {
      const end = (): boolean => {
        if (!this.#underWay.delete(fail)) return false;
        stopTimer();
        events.over();
        return true;
      };
      const fail = (error: Error): void => {
        if (!end()) return;
        reject(error);
        // The official client would keep it pending, and the process alive, for its own timeout.
        abort.end(error);
      };
      const stopTimer = this.#clock.after(timeoutMs, () => {
        const error = timeoutError(this.#entityPath, timeoutMs);
        fail(error);
        events.unanswered(error);
      });
      this.#underWay.add(fail);
      work(abort).then(
        () => {
          events.answered();
          if (end()) resolve();
        },
        (error: unknown) => {
          if (!end()) return;
          events.answered();
          reject(error);
        },
      );
    });
  }

  /** Ends all of them: their acknowledgements will never come. */
  failAll(error: () => Error): void {
    for (const fail of [...this.#underWay]) fail(error());
  }
}
