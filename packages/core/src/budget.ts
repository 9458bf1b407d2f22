import { systemClock, type Clock } from "./clock.ts";
import type { FaultKind } from "./fault.ts";
import { badOption, isObject } from "./holdfast-error.ts";
import { registry } from "./registry.ts";

/** How much a {@link Budget} holds, and what a retry takes out of it. */
export interface BudgetOptions {
  /** Tokens when full. Default 500. */
  readonly capacity?: number;
  /** Tokens for a retry after a fault; after a timeout twice as many, as it held a place for long. Default 14. */
  readonly cost?: number;
  /** Tokens for a retry after throttling, from a second account of the same size; 0 means no limit. Default 5. */
  readonly throttledCost?: number;
  /** Tokens that come back each second, so that a quiet caller is never without a retry for long. Default 1. */
  readonly refillPerSecond?: number;
  /** For tests. */
  readonly clock?: Clock;
}

/**
 * Bounds what retries may add to the load of a service that fails anyway: all calls that share it take each retry's cost
 * out of it, and put it back when the retry succeeds. Time refills it too: a budget that only success refills leaves
 * everybody without retries after one bad caller (https://github.com/aws/aws-sdk-js-v3/issues/4754).
 */
export interface Budget {
  /** Takes a retry's tokens; false when there are not enough, and then takes none. Outages cost nothing. */
  withdraw(kind: FaultKind): boolean;
  /** A call succeeded: puts back what its last retry cost, or one token when it needed none. */
  deposit(lastRetry: FaultKind | undefined): void;
  /** Tokens left for faults, and for throttling. */
  readonly state: { readonly tokens: number; readonly throttledTokens: number };
}

/**
 * Makes a budget.
 *
 * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
 */
export function budget(options: BudgetOptions = {}): Budget {
  return new TokenBudget(options);
}

const budgets = registry<Budget>("budgets");

/** The process's one budget under this key (see {@link sharedGate}); the options are those of the first who asks. */
export function sharedBudget(key: string, options: BudgetOptions = {}): Budget {
  return budgets.get(key, options.clock, () => budget(options));
}

/** Tokens that time brings back; numbers and a timestamp compared on read. */
class Account {
  #tokens: number;
  #at: number;

  constructor(
    readonly capacity: number,
    readonly refillPerSecond: number,
    now: number,
  ) {
    this.#tokens = capacity;
    this.#at = now;
  }

  tokens(now: number): number {
    const refilled = Math.max(0, ((now - this.#at) / 1_000) * this.refillPerSecond);
    this.#tokens = Math.min(this.capacity, this.#tokens + refilled);
    this.#at = now;
    return this.#tokens;
  }

  withdraw(cost: number, now: number): boolean {
    if (this.tokens(now) < cost) return false;
    this.#tokens -= cost;
    return true;
  }

  /** Without the time: {@link tokens} never lets it exceed the capacity. */
  deposit(amount: number): void {
    this.#tokens = Math.min(this.capacity, this.#tokens + amount);
  }
}

class TokenBudget implements Budget {
  readonly #clock: Clock;
  readonly #cost: number;
  readonly #throttledCost: number;
  readonly #faults: Account;
  readonly #throttled: Account;

  constructor(options: BudgetOptions) {
    if (!isObject(options)) throw badOption("budget", options, "an object");
    const {
      capacity = 500,
      cost = 14,
      throttledCost = 5,
      refillPerSecond = 1,
      clock = systemClock,
    } = options;
    const least = (name: string, value: number, lowest: number): void => {
      if (typeof value !== "number" || !(value >= lowest && value < Infinity)) {
        throw badOption(`budget.${name}`, value, `a finite number, ${String(lowest)} or more`);
      }
    };
    least("cost", cost, 0);
    least("throttledCost", throttledCost, 0);
    least("refillPerSecond", refillPerSecond, 0);
    // Or a retry after a timeout could never be paid.
    least("capacity", capacity, Math.max(1, 2 * cost, throttledCost));
    this.#clock = clock;
    this.#cost = cost;
    this.#throttledCost = throttledCost;
    this.#faults = new Account(capacity, refillPerSecond, clock.now());
    this.#throttled = new Account(capacity, refillPerSecond, clock.now());
  }

  get state(): Budget["state"] {
    const now = this.#clock.now();
    return { tokens: this.#faults.tokens(now), throttledTokens: this.#throttled.tokens(now) };
  }

  withdraw(kind: FaultKind): boolean {
    return this.#account(kind).withdraw(this.#costOf(kind), this.#clock.now());
  }

  deposit(lastRetry: FaultKind | undefined): void {
    if (lastRetry === undefined) this.#faults.deposit(1);
    else this.#account(lastRetry).deposit(this.#costOf(lastRetry));
  }

  #account(kind: FaultKind): Account {
    return kind === "throttled" ? this.#throttled : this.#faults;
  }

  #costOf(kind: FaultKind): number {
    switch (kind) {
      case "disconnected":
        return 0;
      case "throttled":
        return this.#throttledCost;
      case "timeout":
        return 2 * this.#cost;
      default:
        return this.#cost;
    }
  }
}
