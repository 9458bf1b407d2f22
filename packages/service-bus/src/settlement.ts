import type { DeadLetterOptions, ServiceBusReceivedMessage, ServiceBusReceiver } from "@azure/service-bus";
import { failureOf, run, type AbortSignalLike, type Attempt, type Policy } from "@holdfast/core";
import { held, type Lease } from "./lease.ts";
import type { LockKeeper } from "./lock-keeper.ts";
import { timeoutError } from "./official-errors.ts";
import { alreadySettledError, settlementCutError } from "./receiver-errors.ts";
import type { Resilience } from "./resilience.ts";

/** What the official settlements take as further properties. */
export type PropertiesToModify = Record<string, number | boolean | string | Date | null>;

/** How a message is settled. */
export interface Settling {
  readonly disposition: "complete" | "abandon" | "defer" | "deadLetter";
  /** The disposition with all that goes with it: equal for settlements that are the same. */
  readonly what: string;
  readonly perform: (receiver: ServiceBusReceiver, message: ServiceBusReceivedMessage) => Promise<void>;
}

/** The four settlements of the official receiver. */
export const settlings = {
  complete: {
    disposition: "complete",
    what: "complete",
    perform: (receiver, message) => receiver.completeMessage(message),
  } satisfies Settling as Settling,
  abandon: (properties?: PropertiesToModify): Settling => ({
    disposition: "abandon",
    what: words("abandon", properties),
    perform: (receiver, message) => receiver.abandonMessage(message, properties),
  }),
  defer: (properties?: PropertiesToModify): Settling => ({
    disposition: "defer",
    what: words("defer", properties),
    perform: (receiver, message) => receiver.deferMessage(message, properties),
  }),
  deadLetter: (options?: DeadLetterOptions & PropertiesToModify): Settling => ({
    disposition: "deadLetter",
    what: words("deadLetter", options),
    perform: (receiver, message) => receiver.deadLetterMessage(message, options),
  }),
};

function words(disposition: string, properties: object | undefined): string {
  return properties === undefined ? disposition : `${disposition} ${JSON.stringify(properties)}`;
}

/** The way a settlement takes to the service. */
export interface SettlementRoute {
  readonly entityPath: string;
  /** The attempts are bounded by the route. */
  readonly policy: Policy;
  /** One attempt; rejects when there was no answer in time. */
  attempt(lease: Lease, settling: Settling, attempt: Attempt): Promise<void>;
  /** Moves to another connection. */
  rotate(): void;
}

/** Settles each message at most once, and says so only when the service has confirmed it. */
export class Settlements {
  readonly #route: SettlementRoute;
  readonly #keeper: LockKeeper;
  readonly #resilience: Resilience;
  readonly #signal: AbortSignalLike;
  readonly #settled: (lease: Lease) => void;
  readonly #underWay = new Set<Lease>();

  /**
   * @param signal - aborts what is under way when the receiver is closed for good.
   * @param settled - called for each that is confirmed.
   */
  constructor(
    route: SettlementRoute,
    keeper: LockKeeper,
    resilience: Resilience,
    signal: AbortSignalLike,
    settled: (lease: Lease) => void = () => undefined,
  ) {
    this.#settled = settled;
    this.#route = route;
    this.#keeper = keeper;
    this.#resilience = resilience;
    this.#signal = signal;
  }

  /**
   * Resolves once the service has confirmed. The same settlement again is the same call; a different one is refused.
   *
   * @throws the official error: of the service, `MessageLockLost` without asking it when the lock is known to be lost.
   */
  settle(lease: Lease, settling: Settling): Promise<void> {
    const { state, lock } = lease;
    if (state.name !== "held") {
      return state.what === settling.what ? state.done : Promise.reject(alreadySettledError());
    }
    if (lock.lost !== undefined) return Promise.reject(lock.lost);
    const { what } = settling;
    const done = this.#settle(lease, settling);
    lease.state = { name: "settling", what, done };
    return done;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) {
      await Promise.allSettled(
        [...this.#underWay].map(({ state }) => (state.name === "held" ? settled : state.done)),
      );
    }
  }

  async #settle(lease: Lease, settling: Settling): Promise<void> {
    const { lock, ownsLock } = lease;
    this.#underWay.add(lease);
    if (ownsLock) lock.isSettling = true;
    try {
      await this.#run(lease, settling);
    } catch (error) {
      // Whether it took effect may be open; it may be tried again.
      this.#underWay.delete(lease);
      lease.state = held;
      lock.isSettling = false;
      const failure = failureOf(error);
      if (failure?.kind === "lock-lost" && failure.outcome === "rejected") {
        this.#keeper.release(lock);
        lock.lose(error as Error);
      }
      throw error;
    }
    this.#underWay.delete(lease);
    lease.state = { name: "settled", what: settling.what, done: settled };
    if (ownsLock) this.#keeper.release(lock);
    this.#settled(lease);
  }

  #run(lease: Lease, settling: Settling): Promise<void> {
    const { classify, clock, random, onEvent, gate } = this.#resilience;
    const { entityPath, policy } = this.#route;
    const perform = (attempt: Attempt): Promise<void> => {
      lease.lock.cutSettling = () => {
        attempt.fail(settlementCutError(entityPath));
      };
      return this.#route.attempt(lease, settling, attempt);
    };
    return run(lease.ownsLock ? perform : (attempt) => this.#route.attempt(lease, settling, attempt), {
      ...{
        operation: "serviceBus.settle",
        target: entityPath,
        policy,
        classify,
        clock,
        random,
        onEvent,
        gate,
      },
      ...{ lane: "settlement", cost: 1, signal: this.#signal },
      act: () => {
        this.#route.rotate();
      },
      timeoutError: (ms) => timeoutError(entityPath, ms),
    });
  }
}

const settled = Promise.resolve();
