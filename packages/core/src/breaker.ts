import { systemClock, type Clock } from "./clock.ts";
import type { Fault } from "./fault.ts";
import { badOption, isObject } from "./holdfast-error.ts";
import { systemRandom, type Random } from "./random.ts";
import { registry } from "./registry.ts";
import { Tally } from "./tally.ts";

/** When a {@link Breaker} opens, and for how long. */
export interface BreakerOptions {
  /** Opens after so many failed calls in a row. Default 5; 1 or more. Left out when `ratio` is given. */
  readonly consecutive?: number;
  /** Opens when at least this share of the latest calls failed. */
  readonly ratio?: {
    /** Above 0, up to 1. */
    readonly failed: number;
    /** How many of the latest calls count; it does not open before there were so many. 1 to 10 000. */
    readonly of: number;
  };
  /** Stays open at least so long, in milliseconds, and up to half as long again at random. Default 10 000; above 0. */
  readonly openMs?: number;
  /** For tests. */
  readonly clock?: Clock;
  /** For tests. */
  readonly random?: Random;
}

/** What made a breaker open. */
export interface BreakerTrouble {
  readonly fault: Fault;
  /** The official client's error. */
  readonly error: unknown;
}

/** Why a call may not begin. */
export interface BreakerRefusal extends BreakerTrouble {
  /** When it may be tried again, in milliseconds from now. */
  readonly retryInMs: number;
}

export type BreakerState =
  /** Calls go through and are counted. */
  | { readonly name: "closed" }
  /** Calls are refused until then (the clock's milliseconds). */
  | { readonly name: "open"; readonly until: number; readonly trouble: BreakerTrouble }
  /** One call is under way to see whether the service is back; it counts as lost if it has not ended by then. */
  | { readonly name: "half-open"; readonly until: number; readonly trouble: BreakerTrouble };

/**
 * Spares a service that keeps failing, and its callers the wait: after a number of failed calls (each with all its
 * retries) it refuses calls for a while, then lets one through to see. Off unless asked for.
 */
export interface Breaker {
  /** Asks to begin a call: a pass, to be given back to `leave` once, or why not. */
  enter(): number | BreakerRefusal;
  /** How the call ended; `undefined` trouble means that the service answered. What began before the latest change of state is not counted. */
  leave(pass: number, trouble: BreakerTrouble | undefined): void;
  /** The call ended without saying anything about the service: its caller aborted it. */
  forget(pass: number): void;
  readonly state: BreakerState;
}

/**
 * Makes a breaker.
 *
 * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
 */
export function breaker(options: BreakerOptions = {}): Breaker {
  return new CountingBreaker(options);
}

const breakers = registry<Breaker>("breakers");

/** The process's one breaker under this key (see {@link sharedGate}); the options are those of the first who asks. */
export function sharedBreaker(key: string, options: BreakerOptions = {}): Breaker {
  return breakers.get(key, options.clock, () => breaker(options));
}

class CountingBreaker implements Breaker {
  readonly #tally: Tally;
  readonly #openMs: number;
  readonly #clock: Clock;
  readonly #random: Random;
  #state: BreakerState = { name: "closed" };
  /** Counts the changes of state, so that a call which began before one is known by its pass. */
  #changes = 0;

  constructor(options: BreakerOptions) {
    const { ratio, openMs = 10_000, clock = systemClock, random = systemRandom } = checked(options);
    const { consecutive = 5 } = options;
    this.#tally = ratio === undefined ? new Tally(consecutive, 1) : new Tally(ratio.of, ratio.failed);
    this.#openMs = openMs;
    this.#clock = clock;
    this.#random = random;
  }

  get state(): BreakerState {
    return this.#state;
  }

  enter(): number | BreakerRefusal {
    if (this.#state.name === "closed") return this.#changes;
    const now = this.#clock.now();
    const { until, trouble } = this.#state;
    if (now < until) return { ...trouble, retryInMs: until - now };
    return this.#become({ name: "half-open", until: now + this.#openMs, trouble });
  }

  leave(pass: number, trouble: BreakerTrouble | undefined): void {
    if (pass !== this.#changes) return;
    if (this.#state.name === "closed") {
      if (this.#tally.count(trouble !== undefined) && trouble !== undefined) this.#open(trouble);
    } else if (trouble !== undefined) this.#open(trouble);
    else this.#become({ name: "closed" });
  }

  forget(pass: number): void {
    if (pass !== this.#changes || this.#state.name !== "half-open") return;
    // The next call is the probe.
    this.#become({ name: "open", until: this.#clock.now(), trouble: this.#state.trouble });
  }

  #open(trouble: BreakerTrouble): void {
    // Spread out, or all processes would try the service in the same moment (https://github.com/failsafe-lib/failsafe/issues/70).
    const until = this.#clock.now() + this.#openMs * (1 + this.#random() / 2);
    this.#become({ name: "open", until, trouble });
  }

  #become(state: BreakerState): number {
    this.#state = state;
    this.#tally.clear();
    this.#changes += 1;
    return this.#changes;
  }
}

function checked(options: BreakerOptions): BreakerOptions {
  if (!isObject(options)) throw badOption("breaker", options, "an object");
  const { consecutive, ratio, openMs } = options;
  if (consecutive !== undefined && !(Number.isInteger(consecutive) && consecutive >= 1)) {
    throw badOption("breaker.consecutive", consecutive, "a whole number, 1 or more");
  }
  if (ratio !== undefined) {
    if (!isObject(ratio)) throw badOption("breaker.ratio", ratio, "an object with failed, of");
    if (consecutive !== undefined) {
      throw badOption("breaker.consecutive", consecutive, "left out where ratio is given");
    }
    if (typeof ratio.failed !== "number" || !(ratio.failed > 0 && ratio.failed <= 1)) {
      throw badOption("breaker.ratio.failed", ratio.failed, "a number above 0, up to 1");
    }
    if (!(Number.isInteger(ratio.of) && ratio.of >= 1 && ratio.of <= 10_000)) {
      throw badOption("breaker.ratio.of", ratio.of, "a whole number from 1 to 10 000");
    }
  }
  if (openMs !== undefined && (typeof openMs !== "number" || !(openMs > 0 && openMs < Infinity))) {
    throw badOption("breaker.openMs", openMs, "a finite number of milliseconds above 0");
  }
  return options;
}
