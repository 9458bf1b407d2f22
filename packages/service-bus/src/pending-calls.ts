import { Lifetime } from "./lifetime.ts";

/** One call under way, from its beginning until its promise settles; the signal that its work runs under. */
export class PendingCall extends Lifetime {
  before: PendingCall | undefined;
  after: PendingCall | undefined;
  readonly cohort: Cohort;

  constructor(cohort: Cohort, before: PendingCall | undefined) {
    super();
    this.cohort = cohort;
    this.before = before;
  }
}

/** Calls that somebody waits for together: those begun between one `settled()` and the next. */
interface Cohort {
  pending: number;
  /** Told when the last of them is over; nothing until somebody asks. */
  over: (() => void) | undefined;
}

/** The calls that a sender has under way. A linked list, because a Set is costly here: see {@link Lifetime}. */
export class PendingCalls {
  #last: PendingCall | undefined;
  #cohort: Cohort = { pending: 0, over: undefined };
  /** Cohorts that somebody waits for. */
  readonly #awaited = new Map<Cohort, Promise<void>>();

  get isEmpty(): boolean {
    return this.#last === undefined;
  }

  /** Pair it with one {@link over}. */
  begin(): PendingCall {
    const call = new PendingCall(this.#cohort, this.#last);
    if (this.#last !== undefined) this.#last.after = call;
    this.#last = call;
    this.#cohort.pending += 1;
    return call;
  }

  over(call: PendingCall): void {
    const { before, after, cohort } = call;
    if (before !== undefined) before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    // A call that is over must keep no other alive.
    call.before = undefined;
    call.after = undefined;
    cohort.pending -= 1;
    if (cohort.pending === 0) cohort.over?.();
  }

  /** Resolves when all calls begun so far are over. */
  async settled(): Promise<void> {
    const cohort = this.#cohort;
    if (cohort.pending > 0) {
      this.#cohort = { pending: 0, over: undefined };
      const over = new Promise<void>((resolve) => (cohort.over = resolve));
      this.#awaited.set(
        cohort,
        over.then(() => void this.#awaited.delete(cohort)),
      );
    }
    await Promise.all(this.#awaited.values());
  }

  /** Aborts all of them. */
  end(reason: unknown): void {
    for (let call = this.#last; call !== undefined;) {
      const { before } = call;
      call.end(reason);
      call = before;
    }
  }
}
