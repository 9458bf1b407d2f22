import type { Clock } from "./clock.ts";

// Reference: policies.md 3.8. Multiplicative growth is robust from 5 to 500 processes, additive growth is not; and
// what counts is what the service accepted, not what it was sent.
const cutTo = 0.85;
const growthPerSecond = 1.05;
/**
 * After so long without a refusal the trouble is over, and a limit that was measured while it lasted is far too low: up from
 * there in seconds, where a twentieth a second would take minutes.
 */
const troubleMs = 10_000;
const recoveryPerSecond = 1.3;
const cutEveryMs = 1_000;
/** Nobody starves on a service that refuses everything for a while: one credit in two seconds (AWS adaptive's floor). */
const leastPerSecond = 0.5;
/** Where to begin on a service that accepted nothing while it was watched. */
const firstGuess = 10;
/** A refusal so soon after a cut, in time and in credits that might have been spent: that cut has not helped. */
const inVainMs = 3_000;
const inVainCredits = 20;
/**
 * After so many cuts in a row that have not helped, the refusals have another cause than our pace: others use the service up,
 * or it refuses at random. Going slower still would cost us everything and help nobody.
 */
const mostInVain = 1;
/** Below this share of what was allowed, what is accepted says that the pace is the cause after all. */
const telling = 0.5;
/** Nothing has had to wait for so long: the limit no longer binds. */
const forgetMs = 10_000;
/** The accepted rate is measured over one to two stretches: of a second, or more until they hold enough to count. */
const measureMs = 1_000;
const measureCredits = 10;
const longestMeasureMs = 5_000;
/** After so long without an answer it begins anew. */
const staleMs = 10_000;
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
  #inVain = 0;
  /** The service has throttled, but not enough is known yet for a first limit. */
  #isLearning = false;
  #accepted = 0;
  #unseen = 0;
  #lookEvery = 1;
  #lookedAt = -Infinity;
  /** Where the measured stretch begins, and where the next one will. */
  #from: Mark = { at: -Infinity, accepted: 0 };
  #next: Mark = { at: -Infinity, accepted: 0 };

  /** Credits a second that may be spent now. */
  perSecond(now: number): number {
    if (this.#isLearning && this.#isKnown(now)) this.#learn(now);
    if (this.#rate === Infinity) return Infinity;
    if (now - this.#boundAt > forgetMs) {
      this.#rate = Infinity;
      return Infinity;
    }
    const sinceMs = now - this.#cutAt;
    const growth = growthPerSecond ** (Math.min(sinceMs, troubleMs) / 1_000);
    return this.#rate * growth * recoveryPerSecond ** (Math.max(0, sinceMs - troubleMs) / 1_000);
  }

  /** Whether it has nothing to say. */
  get isSilent(): boolean {
    return this.#rate === Infinity && !this.#isLearning;
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
    this.#turnIfDue(now);
  }

  /** The service throttled: slower from now on, than what it accepted and than what was allowed. */
  throttled(now: number): void {
    const before = this.perSecond(now);
    this.#boundAt = now;
    if (before === Infinity) {
      // What a service takes in a second is not known before a second is over: a tenth of it would look like a trickle.
      this.#isLearning = true;
      if (this.#isKnown(now)) this.#learn(now);
      return;
    }
    const sinceMs = now - this.#cutAt;
    if (sinceMs < cutEveryMs) return;
    const measured = this.#measured(now);
    const isInVain = sinceMs < Math.max(inVainMs, (inVainCredits / before) * 1_000);
    this.#inVain = isInVain ? this.#inVain + 1 : 0;
    const helps = this.#inVain <= mostInVain || measured < telling * before;
    this.#limit(helps ? cutTo * Math.min(before, measured > 0 ? measured : firstGuess) : before, now);
  }

  /** Somebody had to wait for it. */
  bound(now: number): void {
    this.#boundAt = now;
  }

  #limit(rate: number, now: number): void {
    this.#rate = Math.max(leastPerSecond, rate);
    this.#cutAt = now;
  }

  /** The first limit, from what was accepted since it is measured. */
  #learn(now: number): void {
    this.#isLearning = false;
    this.#inVain = 0;
    const measured = this.#measured(now);
    this.#limit(cutTo * (measured > 0 ? measured : firstGuess), now);
  }

  /** Whether enough has been measured. */
  #isKnown(now: number): boolean {
    this.#turnIfDue(now);
    return isEnough(this.#from, now, this.#accepted);
  }

  #measured(now: number): number {
    this.#turnIfDue(now);
    const seconds = Math.max(measureMs, now - this.#from.at) / 1_000;
    return (this.#accepted - this.#from.accepted) / seconds;
  }

  #turnIfDue(now: number): void {
    if (!isEnough(this.#next, now, this.#accepted)) return;
    const here = { at: now, accepted: this.#accepted };
    this.#from = now - this.#next.at < staleMs ? this.#next : here;
    this.#next = here;
  }
}

interface Mark {
  readonly at: number;
  readonly accepted: number;
}

/** Whether a stretch from `since` until now is one. */
function isEnough(since: Mark, now: number, accepted: number): boolean {
  return now - since.at >= (accepted - since.accepted >= measureCredits ? measureMs : longestMeasureMs);
}
