import type {
  MessageHandlers,
  OperationOptionsBase,
  PeekMessagesOptions,
  ServiceBusReceivedMessage,
  ServiceBusSessionReceiver as OfficialReceiver,
  SubscribeOptions,
} from "@azure/service-bus";
import type { ReceiveMessagesOptions } from "./batch-calls.ts";
import { withinTime } from "./connection-pool.ts";
import { cutByCloseError } from "./official-errors.ts";
import { sessionReceiverClosedError } from "./receiver-errors.ts";
import { assertCount, assertHandlers } from "./receiver-checks.ts";
import { SessionBatches } from "./session-batches.ts";
import type { SessionHold } from "./session-hold.ts";
import { SessionSubscription } from "./session-subscription.ts";
import { SettlingReceiver } from "./settling-receiver.ts";
import type { Settling } from "./settling.ts";

type SequenceNumbers = Parameters<OfficialReceiver["receiveDeferredMessages"]>[0];

/** The official session receiver, and ours. */
export interface ServiceBusSessionReceiver extends OfficialReceiver, AsyncDisposable {
  receiveMessages(
    maxMessageCount: number,
    options?: ReceiveMessagesOptions,
  ): Promise<ServiceBusReceivedMessage[]>;
}

/**
 * A receiver of one session, for as long as its lock is held: renewed while messages come, until it is closed or lost. A lost
 * session is over, as with the official client: accept it again.
 */
export class SessionReceiver extends SettlingReceiver implements ServiceBusSessionReceiver {
  readonly entityPath: string;
  readonly identifier: string;
  readonly receiveMode: "peekLock" | "receiveAndDelete";
  readonly sessionId: string;
  readonly #hold: SessionHold;
  readonly #batches: SessionBatches;
  #subscription: SessionSubscription | undefined;
  #closing: Promise<void> | undefined;

  constructor(hold: SessionHold) {
    super();
    const { entityPath, identifier, receiveMode, sessionId } = hold.receiver;
    this.#hold = hold;
    this.entityPath = entityPath;
    this.identifier = identifier;
    this.receiveMode = receiveMode;
    this.sessionId = sessionId;
    this.#batches = new SessionBatches(hold);
    hold.belongsTo(this);
  }

  /** By the service's clock. */
  get sessionLockedUntilUtc(): Date {
    return this.#hold.receiver.sessionLockedUntilUtc;
  }

  /** True once `close()` was called on this receiver or its client, or the session is lost. */
  get isClosed(): boolean {
    return this.#closing !== undefined || this.#hold.isOver;
  }

  /** Hands the session's messages to `processMessage`, in order with one call at a time (the default). */
  subscribe(handlers: MessageHandlers, options: SubscribeOptions = {}): { close(): Promise<void> } {
    assertHandlers(handlers);
    this.#mayReceive();
    this.#subscription ??= new SessionSubscription(this.#hold);
    return this.#subscription.start(handlers, options);
  }

  /** As `receiveMessages` of a receiver. */
  async receiveMessages(
    maxMessageCount: number,
    options: ReceiveMessagesOptions = {},
  ): Promise<ServiceBusReceivedMessage[]> {
    this.#mayReceive();
    assertCount(maxMessageCount);
    return this.track(this.#batches.receive(maxMessageCount, options));
  }

  async receiveDeferredMessages(
    sequenceNumbers: SequenceNumbers,
    options: OperationOptionsBase = {},
  ): Promise<ServiceBusReceivedMessage[]> {
    const messages = await this.#manage("serviceBus.receiveDeferred", options, (receiver, abortSignal) =>
      receiver.receiveDeferredMessages(sequenceNumbers, { ...options, abortSignal }),
    );
    for (const message of messages) this.#hold.take(message);
    return messages;
  }

  peekMessages(
    maxMessageCount: number,
    options: PeekMessagesOptions = {},
  ): Promise<ServiceBusReceivedMessage[]> {
    return this.#manage("serviceBus.peek", options, (receiver, abortSignal) =>
      receiver.peekMessages(maxMessageCount, { ...options, abortSignal }),
    );
  }

  /** @throws always: in a session it is the session that is locked. */
  renewMessageLock(message: ServiceBusReceivedMessage): Promise<Date> {
    return this.#hold.receiver.renewMessageLock(message);
  }

  /** Renews now; there is no need to while the lock is kept (`maxAutoLockRenewalDurationInMs`). */
  async renewSessionLock(options: OperationOptionsBase = {}): Promise<Date> {
    const lockedUntil = await this.#manage("serviceBus.renew", options, (receiver, abortSignal) =>
      receiver.renewSessionLock({ ...options, abortSignal }),
    );
    this.#hold.renewed(lockedUntil);
    return lockedUntil;
  }

  getSessionState(options: OperationOptionsBase = {}): Promise<unknown> {
    return this.#manage("serviceBus.sessionState", options, (receiver, abortSignal) =>
      receiver.getSessionState({ ...options, abortSignal }),
    );
  }

  setSessionState(state: unknown, options: OperationOptionsBase = {}): Promise<void> {
    return this.#manage("serviceBus.sessionState", options, (receiver, abortSignal) =>
      receiver.setSessionState(state, { ...options, abortSignal }),
    );
  }

  /** Lets handlers and settlements finish for up to `closeTimeoutMs`, then gives the session back. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { closeTimeoutMs, clock } = this.#hold.resilience;
    await Promise.all([
      this.#subscription?.drain(closeTimeoutMs),
      withinTime(this.callsOver(), closeTimeoutMs, clock),
    ]);
    this.#hold.lifetime.end(cutByCloseError(this.entityPath, "receiver"));
    await this.#batches.close();
    await this.#hold.close();
  }

  protected async settle(message: ServiceBusReceivedMessage, settling: Settling): Promise<void> {
    const closed = this.#closedError();
    if (closed !== undefined) throw closed;
    // The official client has the words for what cannot be settled.
    if (this.receiveMode === "receiveAndDelete" || !message.lockToken) {
      return settling.perform(this.#hold.receiver, message);
    }
    return this.track(this.#hold.settle(this.#hold.lease(message), settling));
  }

  #manage<T>(
    operation: Parameters<SessionHold["manage"]>[0],
    options: OperationOptionsBase,
    work: (receiver: OfficialReceiver, abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const closed = this.#closedError();
    if (closed !== undefined) return Promise.reject(closed);
    return this.track(this.#hold.manage(operation, options.abortSignal, work));
  }

  /** Handlers settle while close() waits for them. */
  #closedError(): Error | undefined {
    if (this.#hold.lifetime.aborted) return sessionReceiverClosedError(this.entityPath, this.sessionId);
    return this.#hold.lock.lost;
  }

  #mayReceive(): void {
    if (this.#closing !== undefined) throw sessionReceiverClosedError(this.entityPath, this.sessionId);
    const { lost } = this.#hold.lock;
    if (lost !== undefined) throw lost;
    if (this.#subscription?.isActive === true || this.#batches.isReceiving) {
      throw new Error(
        `The receiver for session "${this.sessionId}" for "${this.entityPath}" is already receiving messages.`,
      );
    }
  }
}
