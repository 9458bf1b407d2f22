import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import { Chain, run, type AbortSignalLike, type Attempt } from "@holdfast/core";
import type { ServiceBusReceiver } from "@azure/service-bus";
import Long from "long";
import type { EntityConnection } from "./entity-connection.ts";
import type { HandlerContext } from "./handler-work.ts";
import { Lease, leaseOf } from "./lease.ts";
import type { LockKeeper } from "./lock-keeper.ts";
import type { Lifetime } from "./lifetime.ts";
import { MessageLock } from "./message-lock.ts";
import { MessageRoute } from "./message-route.ts";
import { timeoutError } from "./official-errors.ts";
import type { ServiceBusOperation } from "./operations.ts";
import type { ReceiverLink } from "./receiver-link.ts";
import type { Resilience } from "./resilience.ts";
import { Settlements } from "./settlements.ts";
import type { Settling } from "./settling.ts";
import { SpareLink } from "./spare-link.ts";

// See sender.ts: a management operation costs 10 credits.
const managementCredits = 10;

// Deferred and scheduled messages may stand before those that can be received.
const looksAt = 16;

/** How a receiver receives. */
export interface ReceivingOptions {
  readonly locks: boolean;
  /** How long a message's lock is renewed at most, in milliseconds; 0 switches renewal off. */
  readonly maxLockRenewalMs: number;
  readonly fullyQualifiedNamespace: string;
}

/** What the parts of one receiver share: its connection, the leases on its messages, and how they are settled. */
export class Receiving implements HandlerContext {
  readonly connection: EntityConnection;
  readonly resilience: Resilience;
  readonly fullyQualifiedNamespace: string;
  readonly locks: boolean;
  /** From one subscription to the next. */
  readonly spare = new SpareLink();
  readonly #keeper: LockKeeper;
  readonly #maxLockRenewalMs: number;
  readonly #settlements: Settlements;
  readonly #lifetime: Lifetime;
  /** Leases of messages that are not settled, for the end. */
  readonly #inHand = new Chain<Lease>();

  constructor(
    connection: EntityConnection,
    keeper: LockKeeper,
    resilience: Resilience,
    { locks, maxLockRenewalMs, fullyQualifiedNamespace }: ReceivingOptions,
    lifetime: Lifetime,
  ) {
    this.connection = connection;
    this.resilience = resilience;
    this.fullyQualifiedNamespace = fullyQualifiedNamespace;
    this.locks = locks;
    this.#keeper = keeper;
    this.#maxLockRenewalMs = maxLockRenewalMs;
    this.#settlements = new Settlements(
      new MessageRoute(connection, resilience),
      keeper,
      resilience,
      lifetime,
    );
    this.#lifetime = lifetime;
  }

  get entityPath(): string {
    return this.connection.entityPath;
  }

  get identifier(): string {
    return this.connection.identifier;
  }

  /** A message came and is locked for us from now on; nothing to hold in receive-and-delete mode. */
  hold(message: ServiceBusReceivedMessage, link: ReceiverLink | undefined): void {
    if (!this.locks) return;
    const lock = new MessageLock(this.connection, message);
    const lease = new Lease(message, lock, link);
    link?.hold(lease);
    lease.inHand = this.#inHand.add(lease);
    lock.holder = lease;
    const times = { lockedUntil: message.lockedUntilUtc, enqueuedAt: message.enqueuedTimeUtc };
    this.#keeper.keep(lock, times, this.#maxLockRenewalMs);
  }

  /** The lease of a message, wherever it was received. */
  lease(message: ServiceBusReceivedMessage): Lease {
    const known = leaseOf(message);
    if (known !== undefined) return known;
    return new Lease(message, new MessageLock(this.connection, message));
  }

  settle(lease: Lease, settling: Settling): Promise<void> {
    return this.#settlements.settle(lease, settling);
  }

  /** Resolves when no settlement is under way. */
  settled(): Promise<void> {
    return this.#settlements.idle();
  }

  /** One call by the `$management` node, under the operation's policy. */
  manage<T>(
    operation: ServiceBusOperation,
    signal: AbortSignalLike | undefined,
    work: (receiver: ServiceBusReceiver, attempt: Attempt) => Promise<T>,
  ): Promise<T> {
    const { policy, classify, clock, random, onEvent, gate } = this.resilience;
    const { connection } = this;
    return run((attempt) => connection.manage((receiver) => work(receiver, attempt), attempt), {
      ...{
        operation,
        target: connection.entityPath,
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
      signal: signal === undefined ? this.#lifetime : this.#lifetime.with(signal),
      act: (action) => {
        if (action === "rotate") connection.rotateCalls();
      },
      timeoutError: (ms) => timeoutError(connection.entityPath, ms),
    });
  }

  /** Whether the service shows a message that could be received, asked once, among the first few. */
  async hasActiveMessages(timeoutMs: number): Promise<boolean> {
    const { connection, resilience } = this;
    const { policy, classify, clock, random, gate } = resilience;
    // The official client has the second option, and does not document it.
    const options = { fromSequenceNumber: Long.ZERO, omitMessageBody: true };
    const messages = await run(
      (attempt) =>
        connection.manage(
          (receiver) => receiver.peekMessages(looksAt, { ...options, abortSignal: attempt.signal }),
          attempt,
        ),
      {
        ...{ operation: "serviceBus.peek", target: connection.entityPath, classify, clock, random },
        policy: policy("serviceBus.peek").with({
          attempts: 1,
          attemptTimeoutMs: timeoutMs,
          deadlineMs: timeoutMs * 2,
        }),
        ...{ gate, lane: "administration", cost: managementCredits, signal: this.#lifetime },
        timeoutError: (ms) => timeoutError(connection.entityPath, ms),
      },
    );
    return messages.some(({ state }) => state === "active");
  }

  /** The user renewed a lock by himself. */
  renewed(message: ServiceBusReceivedMessage, lockedUntil: Date): void {
    const { lock } = this.lease(message);
    if (lock.lost === undefined) this.#keeper.keep(lock, { lockedUntil }, this.#maxLockRenewalMs);
  }

  /** Renews the lock of a message no more, so that it comes again when the lock ends. */
  letGo(message: ServiceBusReceivedMessage): void {
    const lease = leaseOf(message);
    if (lease?.inHand === undefined) return;
    lease.inHand.leave();
    this.#keeper.release(lease.lock);
  }

  /** The link is gone, and perhaps the locks of what it brought. */
  lost(link: ReceiverLink): void {
    for (const lease of this.#inHand.values()) if (lease.link === link) this.#keeper.verify(lease.lock);
  }

  /** Renews nothing any more. */
  end(): void {
    for (const { lock, inHand } of this.#inHand.values()) {
      inHand?.leave();
      this.#keeper.release(lock);
    }
  }
}
