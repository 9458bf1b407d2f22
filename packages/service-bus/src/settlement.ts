import type { DeadLetterOptions, ServiceBusReceivedMessage, ServiceBusReceiver } from "@azure/service-bus";
import { failureOf, run, type AbortSignalLike, type Attempt, type Policy } from "@holdfast/core";
import type { EntityConnection } from "./entity-connection.ts";
import type { Lease } from "./lease.ts";
import type { LockKeeper } from "./lock-keeper.ts";
import { timeoutError } from "./official-errors.ts";
import { alreadySettledError } from "./receiver-errors.ts";
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

/**
 * Settles each message at most once, and says so only when the service has confirmed it: on the link it came by while that is
 * open, by the entity's `$management` node otherwise.
 */
export class Settlements {
  readonly #connection: EntityConnection;
  readonly #keeper: LockKeeper;
  readonly #resilience: Resilience;
  readonly #signal: AbortSignalLike;
  /** The policy without a timeout for attempts, which have one of their own. */
  #unbounded: { readonly from: Policy; readonly to: Policy } | undefined;

  /** @param signal - aborts what is under way when the receiver is closed for good. */
  constructor(
    connection: EntityConnection,
    keeper: LockKeeper,
    resilience: Resilience,
    signal: AbortSignalLike,
  ) {
    this.#connection = connection;
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

  async #settle(lease: Lease, settling: Settling): Promise<void> {
    const { what } = settling;
    lease.lock.isSettling = true;
    try {
      await this.#run(lease, settling);
    } catch (error) {
      // Whether it took effect may be open; it may be tried again.
      lease.state = { name: "held" };
      lease.lock.isSettling = false;
      const failure = failureOf(error);
      if (failure?.kind === "lock-lost" && failure.outcome === "rejected") this.#lost(lease, error as Error);
      throw error;
    }
    lease.state = { name: "settled", what, done: Promise.resolve() };
    this.#keeper.release(lease.lock);
  }

  #run(lease: Lease, settling: Settling): Promise<void> {
    const { classify, clock, random, onEvent, gate } = this.#resilience;
    return run((attempt) => this.#attempt(lease, settling, attempt), {
      operation: "serviceBus.settle",
      target: this.#connection.entityPath,
      policy: this.#policy(),
      ...{ classify, clock, random, onEvent, gate, lane: "settlement", cost: 1, signal: this.#signal },
      act: () => {
        this.#connection.rotate();
      },
      timeoutError: (ms) => timeoutError(this.#connection.entityPath, ms),
    });
  }

  async #attempt(lease: Lease, settling: Settling, attempt: Attempt): Promise<void> {
    const { link, message, lock } = lease;
    const { attemptTimeoutMs } = this.#resilience.policy("serviceBus.settle");
    if (link?.isOpen === true) {
      await link.settle(lease, settling.what, attemptTimeoutMs, (receiver) =>
        settling.perform(receiver, message),
      );
      return;
    }
    await link?.gone;
    if (lock.lost !== undefined) throw lock.lost;
    const stop = this.#resilience.clock.after(attemptTimeoutMs, () => {
      attempt.fail(timeoutError(this.#connection.entityPath, attemptTimeoutMs));
    });
    try {
      await this.#connection.manage((receiver) => settling.perform(receiver, message), attempt);
      link?.forget(lease);
    } finally {
      stop();
    }
  }

  #lost(lease: Lease, error: Error): void {
    this.#keeper.release(lease.lock);
    lease.lock.lose(error);
  }

  #policy(): Policy {
    const from = this.#resilience.policy("serviceBus.settle");
    if (this.#unbounded?.from !== from) {
      this.#unbounded = { from, to: from.with({ attemptTimeoutMs: Infinity }) };
    }
    return this.#unbounded.to;
  }
}
