import type { ServiceBusSender } from "@azure/service-bus";
import type { Clock } from "@holdfast/core";
import { Lifetime } from "./lifetime.ts";
import { timeoutError } from "./official-errors.ts";

/** Who hears of all transfers of a link. */
export interface TransferEvents {
  /** The service answered, with an acceptance or a refusal. */
  answered(accepted: boolean): void;
  /** No answer came in time to a transfer that was begun `since`. */
  unanswered(since: number, error: Error): void;
  /** One is over, however it ended. */
  over(): void;
}

/** What one transfer carries, and who waits for it: hears one of the two outcomes, once. */
export interface Cargo {
  send(sender: ServiceBusSender, transfer: Transfer): Promise<void>;
  accepted(): void;
  refused(error: unknown): void;
}

/** One transfer under way, and the signal that aborts it. */
export class Transfer extends Lifetime {
  readonly cargo: Cargo;
  readonly #cut: (transfer: Transfer, error: Error) => void;
  before: Transfer | undefined;
  after: Transfer | undefined;
  stopTimer: (() => void) | undefined;
  isUnderWay = true;

  constructor(cargo: Cargo, before: Transfer | undefined, cut: (transfer: Transfer, error: Error) => void) {
    super();
    this.cargo = cargo;
    this.before = before;
    this.#cut = cut;
  }

  /** Ends it now: its cargo is refused with this error. */
  cut(error: Error): void {
    this.#cut(this, error);
  }
}

/** The transfers under way on one official sender, each bounded in time. A linked list: see {@link Lifetime}. */
export class Transfers {
  readonly #entityPath: string;
  readonly #clock: Clock;
  readonly #events: TransferEvents;
  readonly #cut = (transfer: Transfer, error: Error): void => {
    this.#fail(transfer, error);
  };
  #last: Transfer | undefined;
  #size = 0;

  constructor(entityPath: string, clock: Clock, events: TransferEvents) {
    this.#entityPath = entityPath;
    this.#clock = clock;
    this.#events = events;
  }

  get size(): number {
    return this.#size;
  }

  /** Sends the cargo, within `timeoutMs` milliseconds and no later than {@link failAll}. */
  start(cargo: Cargo, sender: ServiceBusSender, startedAt: number, timeoutMs: number): void {
    const transfer = new Transfer(cargo, this.#last, this.#cut);
    if (this.#last !== undefined) this.#last.after = transfer;
    this.#last = transfer;
    this.#size += 1;
    transfer.stopTimer = this.#clock.after(timeoutMs, () => {
      const error = timeoutError(this.#entityPath, timeoutMs);
      this.#fail(transfer, error);
      this.#events.unanswered(startedAt, error);
    });
    cargo.send(sender, transfer).then(
      () => {
        this.#events.answered(true);
        if (this.#end(transfer)) cargo.accepted();
      },
      (error: unknown) => {
        if (!this.#end(transfer)) return;
        this.#events.answered(false);
        cargo.refused(error);
      },
    );
  }

  /** Ends all of them: their acknowledgements will never come. */
  failAll(error: () => Error): void {
    const underWay: Transfer[] = [];
    for (let transfer = this.#last; transfer !== undefined; transfer = transfer.before) {
      underWay.push(transfer);
    }
    for (const transfer of underWay.reverse()) this.#fail(transfer, error());
  }

  #fail(transfer: Transfer, error: Error): void {
    if (!this.#end(transfer)) return;
    // The official client would keep it pending, and the process alive, for its own timeout.
    transfer.end(error);
    transfer.cargo.refused(error);
  }

  /** True the first time. */
  #end(transfer: Transfer): boolean {
    if (!transfer.isUnderWay) return false;
    transfer.isUnderWay = false;
    const { before, after } = transfer;
    if (before !== undefined) before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    transfer.before = undefined;
    transfer.after = undefined;
    this.#size -= 1;
    transfer.stopTimer?.();
    this.#events.over();
    return true;
  }
}
