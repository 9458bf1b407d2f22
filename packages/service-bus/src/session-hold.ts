import type { ServiceBusReceivedMessage, ServiceBusSessionReceiver } from "@azure/service-bus";
import { run, type AbortSignalLike, type Attempt, type Policy } from "@holdfast/core";
import { withinTime, type ConnectionPool, type Generation } from "./connection-pool.ts";
import { byLockToken } from "./by-lock-token.ts";
import type { HandlerContext } from "./handler-work.ts";
import { Lease, leaseOf } from "./lease.ts";
import { Lifetime } from "./lifetime.ts";
import { LinkSettlements } from "./link-settlements.ts";
import { Lock, type LockHolder } from "./lock.ts";
import { rememberSessionLock } from "./lock-signal.ts";
import type { LockKeeper } from "./lock-keeper.ts";
import { timeoutError } from "./official-errors.ts";
import type { ServiceBusOperation } from "./operations.ts";
import { sessionLockLostError } from "./receiver-errors.ts";
import type { Resilience } from "./resilience.ts";
import { Settlements, type SettlementLink, type SettlementRoute } from "./settlements.ts";
import type { Settling } from "./settling.ts";

/** What a session hold is made from. */
export interface SessionHoldOptions {
  readonly receiver: ServiceBusSessionReceiver;
  readonly generation: Generation;
  readonly pool: ConnectionPool;
  readonly keeper: LockKeeper;
  readonly resilience: Resilience;
  readonly maxLockRenewalMs: number;
  readonly fullyQualifiedNamespace: string;
  /** Called when it is closed. */
  readonly onClosed: () => void;
}

// The official session receiver tells nobody that its link is gone, unless somebody is subscribed.
const watchMs = 250;
const closeTimeoutMs = 2_000;
// See sender.ts: a management operation costs 10 credits.
const managementCredits = 10;

/**
 * A session that we hold: its lock, its link, and how its messages are settled. All of it ends with the link, because only the
 * owner may settle, and only while it owns.
 */
export class SessionHold implements HandlerContext, SettlementRoute, SettlementLink, LockHolder {
  readonly receiver: ServiceBusSessionReceiver;
  readonly resilience: Resilience;
  readonly lifetime = new Lifetime();
  readonly lock: Lock;
  readonly settlements: LinkSettlements;
  readonly fullyQualifiedNamespace: string;
  readonly #options: SessionHoldOptions;
  readonly #settlements: Settlements;
  #stopWatching: (() => void) | undefined;
  #policy: { readonly from: Policy; readonly to: Policy } | undefined;

  constructor(options: SessionHoldOptions) {
    const { receiver, keeper, resilience, maxLockRenewalMs } = options;
    this.#options = options;
    this.receiver = receiver;
    this.resilience = resilience;
    this.fullyQualifiedNamespace = options.fullyQualifiedNamespace;
    this.lock = new SessionLock(this);
    this.lock.holder = this;
    this.#settlements = new Settlements(this, keeper, resilience, this.lifetime);
    this.settlements = new LinkSettlements(receiver.entityPath, resilience.clock, () => undefined);
    keeper.keep(this.lock, { lockedUntil: receiver.sessionLockedUntilUtc }, maxLockRenewalMs);
    this.#watch();
    // At once: another connection may accept it before the watch looks, and two handlers have it in hand.
    options.generation.lossListeners.add(this.#loseWithConnection);
  }

  get entityPath(): string {
    return this.receiver.entityPath;
  }

  get identifier(): string {
    return this.receiver.identifier;
  }

  get isOver(): boolean {
    return this.lock.lost !== undefined || this.lifetime.aborted;
  }

  /** Makes `lockSignal` know the receiver. */
  belongsTo(receiver: ServiceBusSessionReceiver): void {
    rememberSessionLock(receiver, this.lock);
  }

  /** A message of the session came. The lock is renewed for so long from the latest on. */
  take(message: ServiceBusReceivedMessage): void {
    const { keeper, maxLockRenewalMs } = this.#options;
    keeper.prolong(this.lock, maxLockRenewalMs);
    if (this.receiver.receiveMode === "peekLock") this.lease(message);
  }

  lease(message: ServiceBusReceivedMessage): Lease {
    return leaseOf(message) ?? new Lease(message, this.lock, undefined, false);
  }

  settle(lease: Lease, settling: Settling): Promise<void> {
    return this.#settlements.settle(lease, settling);
  }

  /**
   * A settlement without an answer is not repeated: there is no other way to the service, and it may have been carried out.
   */
  get policy(): Policy {
    const from = this.resilience.policy("serviceBus.settle");
    if (this.#policy?.from !== from) {
      const on = { timeout: "fail", disconnected: "fail", unknown: "fail" } as const;
      this.#policy = { from, to: from.with({ attemptTimeoutMs: Infinity, on }) };
    }
    return this.#policy.to;
  }

  /** A repetition goes by `$management`: what was refused on the link, for the moment, is over there. */
  attempt({ message }: Lease, settling: Settling, { number }: Attempt): Promise<void> {
    if (this.lock.lost !== undefined) return Promise.reject(this.lock.lost);
    const { attemptTimeoutMs } = this.resilience.policy("serviceBus.settle");
    const way = number === 1 ? message : byLockToken(message);
    return this.settlements.settle(settling.what, attemptTimeoutMs, () =>
      settling.perform(this.receiver, way),
    );
  }

  /**
   * The connection has no token left for the entity's `$management` node. The session stays on it all the same: a request names
   * the link that holds the session, and in the official client nothing but the receiver that accepted it, on its own
   * connection, makes such requests; another connection would have to accept the session first, which the service refuses while
   * it is held. So its lock ends unrenewed. The next session of the entity, be it this one again, is accepted elsewhere.
   */
  rotate(): void {
    const { pool, generation } = this.#options;
    pool.fill(generation, this.entityPath);
  }

  linkFor(): SettlementLink {
    return this;
  }

  meaningOf(error: unknown): unknown {
    return error;
  }

  settled(): void {
    // The session's link outlives its messages.
  }

  /** The user renewed the lock by himself. */
  renewed(lockedUntil: Date): void {
    const { keeper, maxLockRenewalMs } = this.#options;
    if (!this.isOver) keeper.keep(this.lock, { lockedUntil }, maxLockRenewalMs);
  }

  /** One call by the `$management` node, under the operation's policy. */
  manage<T>(
    operation: ServiceBusOperation,
    signal: AbortSignalLike | undefined,
    work: (receiver: ServiceBusSessionReceiver, abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { policy, classify, clock, random, onEvent, gate } = this.resilience;
    return run(
      async (attempt) => {
        if (this.lock.lost !== undefined) throw this.lock.lost;
        try {
          return await work(this.receiver, attempt.signal);
        } catch (error) {
          if (classify(error, clock.wallNow()).kind === "token-limit") this.rotate();
          throw error;
        }
      },
      {
        ...{
          operation,
          target: this.entityPath,
          policy: policy(operation),
          classify,
          clock,
          random,
          onEvent,
        },
        ...{
          gate,
          lane: operation === "serviceBus.renew" ? "renewal" : "administration",
          cost: managementCredits,
        },
        signal: this.lifetime.with(signal),
        timeoutError: (ms) => timeoutError(this.entityPath, ms),
      },
    );
  }

  /** The link is gone, and with it the session. */
  lose(error: Error): void {
    this.#options.keeper.release(this.lock);
    this.lock.lose(error);
  }

  /** Gives the session back. */
  async close(): Promise<void> {
    const { keeper, pool, generation, resilience, onClosed } = this.#options;
    keeper.release(this.lock);
    this.#unwatch();
    this.settlements.cut();
    await withinTime(this.receiver.close(), closeTimeoutMs, resilience.clock);
    pool.release(generation);
    onClosed();
  }

  lockLost(): void {
    this.settlements.cut();
    this.#unwatch();
    void withinTime(this.receiver.close(), closeTimeoutMs, this.resilience.clock);
  }

  readonly #loseWithConnection = (): void => {
    this.lose(sessionLockLostError(this.receiver.sessionId));
  };

  #unwatch(): void {
    this.#stopWatching?.();
    this.#options.generation.lossListeners.delete(this.#loseWithConnection);
  }

  #watch(): void {
    this.#stopWatching = this.resilience.clock.after(watchMs, () => {
      if (this.isOver) return;
      if (this.receiver.isClosed) this.lose(sessionLockLostError(this.receiver.sessionId));
      else this.#watch();
    });
  }
}

/** The lock of a session. */
class SessionLock extends Lock {
  readonly #hold: SessionHold;

  constructor(hold: SessionHold) {
    super(hold.entityPath);
    this.#hold = hold;
  }

  renew(attempt: Attempt): Promise<Date> {
    return this.#hold.receiver.renewSessionLock({ abortSignal: attempt.signal });
  }

  rotate(): void {
    this.#hold.rotate();
  }
}
