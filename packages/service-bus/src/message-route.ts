import { isServiceBusError } from "@azure/service-bus";
import type { Attempt, Policy } from "@holdfast/core";
import type { EntityConnection } from "./entity-connection.ts";
import { byLockTokenAlone } from "./by-lock-token.ts";
import type { Lease } from "./lease.ts";
import { timeoutError } from "./official-errors.ts";
import { settlementCutError } from "./receiver-errors.ts";
import type { Resilience } from "./resilience.ts";
import type { SettlementLink, SettlementRoute } from "./settlements.ts";
import type { Settling } from "./settling.ts";

/**
 * How messages without a session are settled: on the link they came by while that is open; otherwise, and for each repetition
 * (a refusal ends the delivery on its link), by the entity's `$management` node on whichever connection there is.
 */
export class MessageRoute implements SettlementRoute {
  readonly #connection: EntityConnection;
  readonly #resilience: Resilience;
  /** The policy without a timeout for attempts, which have one of their own. */
  #unbounded: { readonly from: Policy; readonly to: Policy } | undefined;

  constructor(connection: EntityConnection, resilience: Resilience) {
    this.#connection = connection;
    this.#resilience = resilience;
  }

  get entityPath(): string {
    return this.#connection.entityPath;
  }

  get policy(): Policy {
    const from = this.#resilience.policy("serviceBus.settle");
    if (this.#unbounded?.from !== from) {
      this.#unbounded = { from, to: from.with({ attemptTimeoutMs: Infinity }) };
    }
    return this.#unbounded.to;
  }

  linkFor({ link }: Lease): SettlementLink | undefined {
    return link?.isOpen === true ? link : undefined;
  }

  /**
   * There is no session here. The official client takes a message that has a session's id for one of a session, and the end of
   * its link, where we have not heard of it yet, for the end of that: its lock lives on.
   */
  meaningOf(error: unknown): unknown {
    return isServiceBusError(error) && error.code === "SessionLockLost"
      ? settlementCutError(this.entityPath)
      : error;
  }

  attempt(lease: Lease, settling: Settling, attempt: Attempt): Promise<void> {
    const { message, lock } = lease;
    if (lock.lost !== undefined) return Promise.reject(lock.lost);
    const { attemptTimeoutMs } = this.#resilience.policy("serviceBus.settle");
    const link = attempt.number === 1 ? this.linkFor(lease) : undefined;
    if (link === undefined) return this.#byManagement(lease, settling, attempt, attemptTimeoutMs);
    return link.settlements.settle(
      settling.what,
      attemptTimeoutMs,
      () =>
        settling.perform(link.receiver, message).catch((error: unknown) => {
          throw this.meaningOf(error);
        }),
      () => {
        link.settled(lease);
      },
    );
  }

  async #byManagement(
    lease: Lease,
    settling: Settling,
    attempt: Attempt,
    attemptTimeoutMs: number,
  ): Promise<void> {
    const { link, message, lock } = lease;
    if (lock.lost !== undefined) throw lock.lost;
    const stop = this.#resilience.clock.after(attemptTimeoutMs, () => {
      attempt.fail(timeoutError(this.entityPath, attemptTimeoutMs));
    });
    try {
      await this.#connection.manage(
        (receiver) => settling.perform(receiver, byLockTokenAlone(message)),
        attempt,
      );
      link?.forget(lease);
    } finally {
      stop();
    }
  }

  rotate(): void {
    this.#connection.rotateCalls();
  }
}
