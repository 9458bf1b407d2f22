import type { Clock } from "@holdfast/core";
import { DispositionTurns } from "./disposition-turns.ts";
import { timeoutError } from "./official-errors.ts";
import { settlementCutError } from "./receiver-errors.ts";

/**
 * The settlements under way on one link. The official client would leave them pending for its whole timeout when the link is
 * lost, and for as long when an answer does not come.
 */
export class LinkSettlements {
  readonly #entityPath: string;
  readonly #clock: Clock;
  readonly #unanswered: (since: number, late: Error) => void;
  readonly #turns: DispositionTurns;
  /** Oldest first: how to reject each, and when it began. */
  readonly #underWay = new Map<(error: unknown) => void, number>();
  #stopWatching: (() => void) | undefined;

  /** @param unanswered - called when the oldest has had no answer in its time. */
  constructor(entityPath: string, clock: Clock, unanswered: (since: number, late: Error) => void) {
    this.#entityPath = entityPath;
    this.#clock = clock;
    this.#unanswered = unanswered;
    this.#turns = new DispositionTurns(clock);
  }

  /**
   * Settles as `work` does; rejects at once when the link is {@link cut}.
   *
   * @param likeness - see {@link DispositionTurns}.
   * @param confirmed - called before the result resolves.
   */
  settle(
    likeness: string,
    timeoutMs: number,
    work: () => Promise<void>,
    confirmed: () => void = nothing,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => {
        this.#underWay.delete(fail);
        reject(error);
      };
      this.#underWay.set(fail, this.#clock.now());
      this.#watch(timeoutMs, timeoutMs);
      this.#turns.take(likeness, () => {
        if (!this.#underWay.has(fail)) return;
        work().then(() => {
          this.#underWay.delete(fail);
          confirmed();
          resolve();
        }, fail);
      });
    });
  }

  /** The link is gone: nothing under way will be answered. */
  cut(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
    for (const fail of [...this.#underWay.keys()]) fail(settlementCutError(this.#entityPath));
  }

  /** One timer for all: the oldest decides. */
  #watch(timeoutMs: number, afterMs: number): void {
    this.#stopWatching ??= this.#clock.after(afterMs, () => {
      this.#stopWatching = undefined;
      const [oldest] = this.#underWay;
      if (oldest === undefined) return;
      const [fail, since] = oldest;
      const leftMs = since + timeoutMs - this.#clock.now();
      if (leftMs > 0) {
        this.#watch(timeoutMs, leftMs);
        return;
      }
      const late = timeoutError(this.#entityPath, timeoutMs);
      fail(late);
      this.#unanswered(since, late);
    });
  }
}

function nothing(): void {
  // The caller has nothing to note.
}
