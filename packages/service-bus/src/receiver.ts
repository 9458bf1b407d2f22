import type {
  MessageHandlers,
  OperationOptionsBase,
  PeekMessagesOptions,
  ServiceBusReceivedMessage,
  ServiceBusReceiver as OfficialReceiver,
  SubscribeOptions,
} from "@azure/service-bus";
import type { BatchCalls, ReceiveMessagesOptions } from "./batch-calls.ts";
import { Batches } from "./batches.ts";
import { withinTime } from "./connection-pool.ts";
import type { EntityConnection } from "./entity-connection.ts";
import { Lifetime } from "./lifetime.ts";
import type { LockKeeper } from "./lock-keeper.ts";
import { cutByCloseError } from "./official-errors.ts";
import { assertCount, assertHandlers } from "./receiver-checks.ts";
import { alreadyReceivingError, receiverClosedError } from "./receiver-errors.ts";
import { PrefetchedBatches } from "./prefetched-batches.ts";
import { Receiving } from "./receiving.ts";
import type { Resilience } from "./resilience.ts";
import { SettlingReceiver } from "./settling-receiver.ts";
import type { Settling } from "./settling.ts";
import { Subscription } from "./subscription.ts";

type SequenceNumbers = Parameters<OfficialReceiver["receiveDeferredMessages"]>[0];

/** The official receiver, and ours. */
export interface ServiceBusReceiver extends OfficialReceiver, AsyncDisposable {
  receiveMessages(
    maxMessageCount: number,
    options?: ReceiveMessagesOptions,
  ): Promise<ServiceBusReceivedMessage[]>;
}

/** What a receiver is made for. */
export interface ReceiverSettings {
  readonly receiveMode: "peekLock" | "receiveAndDelete";
  readonly maxLockRenewalMs: number;
  /** 0 for none. */
  readonly prefetchCount: number;
  readonly fullyQualifiedNamespace: string;
}

/** A receiver whose links come back, whose locks are kept, and whose settlements are confirmed. */
export class Receiver extends SettlingReceiver implements ServiceBusReceiver {
  readonly entityPath: string;
  readonly identifier: string;
  readonly receiveMode: "peekLock" | "receiveAndDelete";
  readonly #connection: EntityConnection;
  readonly #resilience: Resilience;
  readonly #receiving: Receiving;
  readonly #batches: BatchCalls;
  readonly #lifetime = new Lifetime();
  readonly #onClosed: () => void;
  /** The latest, and those before it whose handlers may still run. */
  readonly #subscriptions = new Set<Subscription>();
  #closing: Promise<void> | undefined;

  constructor(
    connection: EntityConnection,
    keeper: LockKeeper,
    settings: ReceiverSettings,
    resilience: Resilience,
    onClosed: () => void,
  ) {
    super();
    const { receiveMode, maxLockRenewalMs, prefetchCount, fullyQualifiedNamespace } = settings;
    this.entityPath = connection.entityPath;
    this.identifier = connection.identifier;
    this.receiveMode = receiveMode;
    this.#connection = connection;
    this.#resilience = resilience;
    this.#onClosed = onClosed;
    const options = { locks: receiveMode === "peekLock", maxLockRenewalMs, fullyQualifiedNamespace };
    this.#receiving = new Receiving(connection, keeper, resilience, options, this.#lifetime);
    this.#batches =
      prefetchCount === 0
        ? new Batches(this.#receiving, this.#lifetime)
        : new PrefetchedBatches(this.#receiving, this.#lifetime, prefetchCount);
  }

  /** True once `close()` was called on this receiver or its client. */
  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * Hands every message to `processMessage`, at most `maxConcurrentCalls` at once, for as long as it is not closed: links and
   * connections that are lost are replaced. `processError` hears of what lasts; see the events for the rest.
   */
  subscribe(handlers: MessageHandlers, options: SubscribeOptions = {}): { close(): Promise<void> } {
    assertHandlers(handlers);
    this.#mayReceive();
    void this.#batches.drain();
    const subscription = new Subscription(this.#receiving, handlers, options);
    for (const former of this.#subscriptions) if (former.isOver) this.#subscriptions.delete(former);
    this.#subscriptions.add(subscription);
    return { close: () => subscription.stop() };
  }

  /**
   * Receives up to `maxMessageCount` messages. Waits up to `maxWaitTimeInMs` (default 60 000) for the first, and then up to a
   * second for more, or for all of them with `fill`; `[]` when none came. It ends within a second of its time even on a
   * connection that is dead. An abort rejects at once, and what was on its way is abandoned, so that it is not locked.
   */
  async receiveMessages(
    maxMessageCount: number,
    options: ReceiveMessagesOptions = {},
  ): Promise<ServiceBusReceivedMessage[]> {
    this.#mayReceive();
    assertCount(maxMessageCount);
    return this.#batches.receive(maxMessageCount, options);
  }

  /** Messages that were deferred, by their sequence numbers. */
  async receiveDeferredMessages(
    sequenceNumbers: SequenceNumbers,
    options: OperationOptionsBase = {},
  ): Promise<ServiceBusReceivedMessage[]> {
    const messages = await this.#manage("serviceBus.receiveDeferred", options, (receiver, abortSignal) =>
      receiver.receiveDeferredMessages(sequenceNumbers, { ...options, abortSignal }),
    );
    for (const message of messages) this.#receiving.hold(message, undefined);
    return messages;
  }

  /** Looks at messages without locking them. */
  async peekMessages(
    maxMessageCount: number,
    options: PeekMessagesOptions = {},
  ): Promise<ServiceBusReceivedMessage[]> {
    const { cursor } = this.#connection;
    const fromSequenceNumber = options.fromSequenceNumber ?? cursor.next;
    const from = fromSequenceNumber === undefined ? {} : { fromSequenceNumber };
    const messages = await this.#manage("serviceBus.peek", options, (receiver, abortSignal) =>
      receiver.peekMessages(maxMessageCount, { ...options, ...from, abortSignal }),
    );
    cursor.next = messages.at(-1)?.sequenceNumber?.add(1) ?? cursor.next;
    return messages;
  }

  /** Renews the lock no more; for what could not be settled and is to come again. */
  letGo(message: ServiceBusReceivedMessage): void {
    this.#receiving.letGo(message);
  }

  /** Renews now; there is no need to while the lock is kept (`maxAutoLockRenewalDurationInMs`). */
  async renewMessageLock(message: ServiceBusReceivedMessage): Promise<Date> {
    const renew = (receiver: OfficialReceiver): Promise<Date> => receiver.renewMessageLock(message);
    // The official client has the words for what has no lock.
    if (!message.lockToken && !this.#lifetime.aborted) return this.#connection.refused(renew);
    const lockedUntil = await this.#manage("serviceBus.renew", {}, renew);
    this.#receiving.renewed(message, lockedUntil);
    return lockedUntil;
  }

  /**
   * Takes no more messages, lets handlers and settlements finish for up to `closeTimeoutMs`, then closes the links. A
   * `receiveMessages` that waits ends with the messages it has.
   * A second call waits for the first. What is not settled by then comes again when its lock ends.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { closeTimeoutMs, clock } = this.#resilience;
    const subscriptions = [...this.#subscriptions];
    await Promise.all([
      ...subscriptions.map((subscription) => subscription.drain(closeTimeoutMs)),
      withinTime(Promise.allSettled([this.callsOver(), this.#receiving.settled()]), closeTimeoutMs, clock),
      withinTime(this.#batches.end(), closeTimeoutMs, clock),
    ]);
    this.#lifetime.end(cutByCloseError(this.entityPath, "receiver"));
    await Promise.all([
      ...subscriptions.map((subscription) => subscription.close()),
      this.#batches.close(),
      this.#receiving.spare.close(),
    ]);
    this.#receiving.end();
    this.#connection.close();
    this.#onClosed();
  }

  protected settle(message: ServiceBusReceivedMessage, settling: Settling): Promise<void> {
    // Handlers settle while close() waits for them.
    if (this.#lifetime.aborted) return Promise.reject(receiverClosedError(this.entityPath));
    // The official client has the words for what cannot be settled, and for nothing where a message should be.
    const { lockToken } = (message as ServiceBusReceivedMessage | undefined) ?? {};
    if (this.receiveMode === "receiveAndDelete" || !lockToken) {
      return this.#connection.refused((receiver) => settling.perform(receiver, message));
    }
    return this.#receiving.settle(this.#receiving.lease(message), settling);
  }

  #manage<T>(
    operation: Parameters<Receiving["manage"]>[0],
    options: OperationOptionsBase,
    work: (receiver: OfficialReceiver, abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (this.#lifetime.aborted) return Promise.reject(receiverClosedError(this.entityPath));
    return this.track(
      this.#receiving.manage(operation, options.abortSignal, (receiver, attempt) =>
        work(receiver, attempt.signal),
      ),
    );
  }

  #mayReceive(): void {
    if (this.isClosed) throw receiverClosedError(this.entityPath);
    const isActive = [...this.#subscriptions].some((subscription) => subscription.isActive);
    if (isActive || this.#batches.isReceiving) throw alreadyReceivingError(this.entityPath);
  }
}
