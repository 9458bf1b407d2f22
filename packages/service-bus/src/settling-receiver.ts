import type {
  DeadLetterOptions,
  GetMessageIteratorOptions,
  ServiceBusReceivedMessage,
} from "@azure/service-bus";
import type { ReceiveMessagesOptions } from "./batch-calls.ts";
import { settlings, type PropertiesToModify, type Settling } from "./settling.ts";

/** What the receiver of an entity and that of a session do alike. */
export abstract class SettlingReceiver implements AsyncDisposable {
  readonly #calls = new Set<Promise<unknown>>();

  abstract receiveMessages(
    maxMessageCount: number,
    options?: ReceiveMessagesOptions,
  ): Promise<ServiceBusReceivedMessage[]>;

  abstract close(): Promise<void>;

  protected abstract settle(message: ServiceBusReceivedMessage, settling: Settling): Promise<void>;

  /** Message after message, for ever; in a session until it is lost or closed. */
  async *getMessageIterator(
    options?: GetMessageIteratorOptions,
  ): AsyncIterableIterator<ServiceBusReceivedMessage> {
    for (;;) yield* await this.receiveMessages(1, options);
  }

  /** See `lockSignal` for when the lock is lost before. */
  completeMessage(message: ServiceBusReceivedMessage): Promise<void> {
    return this.settle(message, settlings.complete);
  }

  abandonMessage(message: ServiceBusReceivedMessage, propertiesToModify?: PropertiesToModify): Promise<void> {
    return this.settle(message, settlings.abandon(propertiesToModify));
  }

  deferMessage(message: ServiceBusReceivedMessage, propertiesToModify?: PropertiesToModify): Promise<void> {
    return this.settle(message, settlings.defer(propertiesToModify));
  }

  deadLetterMessage(
    message: ServiceBusReceivedMessage,
    options?: DeadLetterOptions & PropertiesToModify,
  ): Promise<void> {
    return this.settle(message, settlings.deadLetter(options));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A call that close() waits for. */
  protected async track<T>(call: Promise<T>): Promise<T> {
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  /** Resolves when those that are under way now are over. */
  protected callsOver(): Promise<unknown> {
    return Promise.allSettled(this.#calls);
  }
}
