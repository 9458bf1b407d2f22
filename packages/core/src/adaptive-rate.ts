import type { Clock } from "./clock.ts";

// Reference: policies.md 3.8. Multiplicative growth is robust from 5 to 500 processes, additive growth is not; and
// what counts is what the service accepted, not what it was sent.
const cutTo = 0.85;
const growthPerSecond = 1.05;
const cutEveryMs = 1_000;
/** Nobody starves on a service that refuses everything for a while: one credit in two seconds (AWS adaptive's floor). */
const leastPerSecond = 0.5;
/** Where to begin when nothing was accepted lately, so that nothing is known. */
const firstGuess = 10;
/** Nothing has had to wait for so long: the limit no longer binds. */
const forgetMs = 10_000;
/** The accepted rate is measured over one to two of these; after five without an answer it begins anew. */
const measureMs = 1_000;
const lookWithinMs = 50;

/**
 * How many credits a second a service has been found to take; `Infinity` until it first throttles. Nothing but numbers
 * and timestamps compared on read: there is no state that a cancelled timer could leave behind
 * (https://github.com/Azure/azure-sdk-for-net/issues/42952).
 */
export class AdaptiveRate {
  #rate = Infinity;
  #cutAt = -Infinity;
  #boundAt = -Infinity;
  #accepted = 0;
  #unseen = 0;
  #lookEvery = 1;
  #lookedAt = -Infinity;
  /** Where the measured stretch begins, and where the next one will. */
  #from = { at: -Infinity, accepted: 0 };
  #next = { at: -Infinity, accepted: 0 };

  /** Credits a second that may be spent now. */
  perSecond(now: number): number {
    if (this.#rate === Infinity) return Infinity;
    if (now - this.#boundAt > forgetMs) {
      this.#rate = Infinity;
      return Infinity;
    }
    return this.#rate * growthPerSecond ** ((now - this.#cutAt) / 1_000);
  }

  /** Whether it has nothing to say. */
  get isSilent(): boolean {
    return this.#rate === Infinity;
  }

  /** The service took something. Looks at the clock only now and then while much is taken. */
  accepted(credits: number, clock: Clock): void {
    this.#accepted += credits;
    this.#unseen += 1;
    if (this.#unseen < this.#lookEvery) return;
    const now = clock.now();
    this.#lookEvery = now - this.#lookedAt < lookWithinMs ? Math.min(16, this.#lookEvery * 2) : 1;
    this.#lookedAt = now;
    this.#unseen = 0;
    if (now - this.#next.at >= measureMs) this.#turn(now);
  }

  /** The service throttled: slower from now on, than what it accepted and than what was allowed. */
  throttled(now: number): void {
    const before = this.perSecond(now);
    this.#boundAt = now;
    if (before !== Infinity && now - this.#cutAt < cutEveryMs) return;
    const measured = this.#measured(now);
    this.#rate = Math.max(leastPerSecond, cutTo * Math.min(before, measured > 0 ? measured : firstGuess));
    this.#cutAt = now;
  }

  /** Somebody had to wait for it. */
  bound(now: number): void {
    this.#boundAt = now;
  }

  #measured(now: number): number {
    if (now - this.#next.at >= measureMs) this.#turn(now);
    // Never less than a second: what a service accepts, it accepts per second, however short the burst.
    const seconds = Math.max(measureMs, now - this.#from.at) / 1_000;
    return (this.#accepted - this.#from.accepted) / seconds;
  }

  #turn(now: number): void {
    const here = { at: now, accepted: this.#accepted };
    this.#from = now - this.#next.at < 5 * measureMs ? this.#next : here;
    this.#next = here;
  }
}
