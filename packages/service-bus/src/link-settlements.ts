import { Chain, type Clock } from "@holdfast/core";
import { DispositionTurns, type Disposition } from "./disposition-turns.ts";
import { timeoutError } from "./official-errors.ts";
import { settlementCutError } from "./receiver-errors.ts";

/** One settlement on a link, from its beginning until it is confirmed or has failed. One object for all: there is one for each message. */
export abstract class LinkSettlement implements Disposition {
  abstract readonly likeness: string;
  /** When it began, by the clock. */
  since = 0;
  /** While it is under way. */
  place: { leave(): void } | undefined;

  /** Asks the service. */
  protected abstract perform(): Promise<void>;
  /** The service has confirmed. */
  protected abstract confirmed(): void;
  protected abstract failed(error: unknown): void;

  /** For {@link DispositionTurns}, once. */
  async write(): Promise<void> {
    // What failed while it waited for its turn is not written.
    if (this.place === undefined) return;
    try {
      await this.perform();
    } catch (error) {
      this.fail(error);
      return;
    }
    if (this.#end()) this.confirmed();
  }

  /** Nothing more is expected of the service; nothing for what is over. */
  fail(error: unknown): void {
    if (this.#end()) this.failed(error);
  }

  #end(): boolean {
    const { place } = this;
    if (place === undefined) return false;
    this.place = undefined;
    place.leave();
    return true;
  }
}

/**
 * The settlements under way on one link. The official client would leave them pending for its whole timeout when the link is
 * lost, and for as long when an answer does not come.
 */
export class LinkSettlements {
  readonly #entityPath: string;
  readonly #clock: Clock;
  readonly #unanswered: (since: number, late: Error) => void;
  readonly #turns: DispositionTurns;
  /** Oldest first. */
  readonly #underWay = new Chain<LinkSettlement>();
  #stopWatching: (() => void) | undefined;

  /** @param unanswered - called when the oldest has had no answer in its time. */
  constructor(entityPath: string, clock: Clock, unanswered: (since: number, late: Error) => void) {
    this.#entityPath = entityPath;
    this.#clock = clock;
    this.#unanswered = unanswered;
    this.#turns = new DispositionTurns(clock);
  }

  /** Begins a settlement, which fails at once when the link is {@link cut}. */
  begin(settlement: LinkSettlement, timeoutMs: number): void {
    settlement.since = this.#clock.now();
    settlement.place = this.#underWay.add(settlement);
    if (this.#stopWatching === undefined) this.#watch(timeoutMs, timeoutMs);
    this.#turns.take(settlement);
  }

  /**
   * Settles as `work` does.
   *
   * @param likeness - see {@link Disposition}.
   * @param confirmed - called before the result resolves.
   */
  settle(
    likeness: string,
    timeoutMs: number,
    work: () => Promise<void>,
    confirmed: () => void = nothing,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      this.begin(new PromisedSettlement(likeness, work, confirmed, resolve, reject), timeoutMs);
    });
  }

  /** The link is gone: nothing under way will be answered. */
  cut(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
    for (const settlement of this.#underWay.values()) settlement.fail(settlementCutError(this.#entityPath));
  }

  /** One timer for all: the oldest decides. */
  #watch(timeoutMs: number, afterMs: number): void {
    this.#stopWatching = this.#clock.after(afterMs, () => {
      this.#stopWatching = undefined;
      const oldest = this.#underWay.first;
      if (oldest === undefined) return;
      const { since } = oldest;
      const leftMs = since + timeoutMs - this.#clock.now();
      if (leftMs > 0) {
        this.#watch(timeoutMs, leftMs);
        return;
      }
      const late = timeoutError(this.#entityPath, timeoutMs);
      oldest.fail(late);
      this.#unanswered(since, late);
      // A session's link goes on: the next may be late, too.
      if (this.#underWay.size > 0) this.#watch(timeoutMs, 0);
    });
  }
}

/** A settlement that somebody awaits. */
class PromisedSettlement extends LinkSettlement {
  readonly likeness: string;
  protected readonly perform: () => Promise<void>;
  protected readonly confirmed: () => void;
  protected readonly failed: (error: unknown) => void;

  constructor(
    likeness: string,
    perform: () => Promise<void>,
    confirmed: () => void,
    resolve: () => void,
    reject: (error: unknown) => void,
  ) {
    super();
    this.likeness = likeness;
    this.perform = perform;
    this.confirmed = () => {
      confirmed();
      resolve();
    };
    this.failed = reject;
  }
}

function nothing(): void {
  // The caller has nothing to note.
}
