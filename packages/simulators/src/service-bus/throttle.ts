/** Credits of a namespace of the Standard tier. */
export interface CreditOptions {
  /** Credits in each window of one second. */
  readonly perSecond: number;
  /** Cost of one message sent, alone or in a batch. Default 1. */
  readonly perMessage?: number;
  /** Cost of one `$management` request. Default 10. */
  readonly perManagementCall?: number;
}

const WINDOW_MS = 1_000;

/** The credit account of a namespace: a fixed window of one second, shared by all entities and clients. */
export class Throttle {
  readonly #credits: Required<CreditOptions> | undefined;
  readonly #now: () => number;
  #windowStart = -Infinity;
  #spent = 0;

  constructor(credits: CreditOptions | undefined, now: () => number) {
    this.#credits = credits === undefined ? undefined : { perMessage: 1, perManagementCall: 10, ...credits };
    this.#now = now;
  }

  /** Charges a transfer of `count` messages; false when the window is overspent and the transfer must be refused. */
  admitMessages(count: number): boolean {
    return this.#admit(count * (this.#credits?.perMessage ?? 0));
  }

  /** Charges one `$management` request; false when it must be refused. */
  admitManagementCall(): boolean {
    return this.#admit(this.#credits?.perManagementCall ?? 0);
  }

  #admit(cost: number): boolean {
    if (this.#credits === undefined) return true;
    const now = this.#now();
    if (now - this.#windowStart >= WINDOW_MS) {
      this.#windowStart = now;
      this.#spent = 0;
    }
    // A batch that costs more than a whole window is let in at the start of one, or it could never pass.
    if (this.#spent > 0 && this.#spent + cost > this.#credits.perSecond) return false;
    this.#spent += cost;
    return true;
  }
}
