// https://learn.microsoft.com/azure/service-bus-messaging/message-transfers-locks-settlement: a lock lasts from five
// seconds (the least that can be configured) to five minutes.
const longestMs = 300_000;
const shortestMs = 5_000;

/** What a received message, or a renewal, says about its lock. Dates are the service's. */
export interface LockTimes {
  readonly lockedUntil: Date | undefined;
  /** When the message was enqueued; the lock is younger. */
  readonly enqueuedAt?: Date | undefined;
}

/**
 * How long the locks of one entity last, as far as it can be told without trusting that our clock agrees with the service's.
 *
 * The service names the end of a lock by its own clock. Read by ours, a clock that is late makes locks look longer than
 * they are, and they would be renewed too late. But the end minus the time of enqueuing is by one clock, and never less than
 * the duration; the least of these seen so far bounds what our clock says. What remains is harmless: too short means that a
 * lock is renewed too often, and what makes no sense (a lock that ended before it came, or lasts more than five minutes)
 * means that it is renewed at once.
 */
export class LockDuration {
  #boundMs = longestMs;

  /**
   * The rest of a lock's life, in milliseconds from now on.
   *
   * @param wallNow - when it was received, by our clock.
   */
  restMs({ lockedUntil, enqueuedAt }: LockTimes, wallNow: number): number {
    if (lockedUntil === undefined) return 0;
    if (enqueuedAt !== undefined) {
      const olderMs = lockedUntil.getTime() - enqueuedAt.getTime();
      if (olderMs > 0) this.#boundMs = Math.min(this.#boundMs, olderMs);
    }
    const byOurClockMs = lockedUntil.getTime() - wallNow;
    return this.#isPlausible(byOurClockMs) ? Math.min(byOurClockMs, this.#boundMs) : 0;
  }

  /** The life of a lock that was just renewed: never 0, for a lock that was renewed lives. */
  renewedMs(lockedUntil: Date, wallNow: number): number {
    const restMs = this.restMs({ lockedUntil }, wallNow);
    if (restMs > 0) return restMs;
    return this.#boundMs < longestMs ? this.#boundMs : shortestMs;
  }

  /** A lock was lost before the time it was believed to have: the next ones are believed to have half of it. */
  wasTooLong(): void {
    this.#boundMs = Math.max(shortestMs, this.#boundMs / 2);
  }

  #isPlausible(ms: number): boolean {
    // A second more than the longest: what the message took to come here may be negative by our clock.
    return ms > 0 && ms <= longestMs + 1_000;
  }
}
