import type {
  CreateMessageBatchOptions,
  OperationOptionsBase,
  ServiceBusMessageBatch,
  ServiceBusSender as OfficialSender,
  ServiceBusSenderOptions as OfficialSenderOptions,
} from "@azure/service-bus";
import { type AbortSignalLike, type Attempt, type FailedAttempt, type Policy } from "@holdfast/core";
import { sendArray, type SentArray } from "./array-send.ts";
import { tellCut } from "./cut-by-close.ts";
import { withinTime } from "./connection-pool.ts";
import type { EntitySender, EntitySenders } from "./entity-senders.ts";
import type { Lifetime } from "./lifetime.ts";
import { LinkWork } from "./link-work.ts";
import { isBatch, isSingle, stampingBatch, type Sendable } from "./message-ids.ts";
import type { SingleMessage } from "./message-key.ts";
import { cutByCloseError, senderClosedError } from "./official-errors.ts";
import type { ServiceBusOperation } from "./operations.ts";
import { Outgoing, type OutgoingOptions } from "./outgoing.ts";
import { PendingCalls, type PendingCall } from "./pending-calls.ts";
import type { Resilience } from "./resilience.ts";

type SequenceNumbers = Parameters<OfficialSender["cancelScheduledMessages"]>[0];
type Schedule = OfficialSender["scheduleMessages"];

/** The official options of a sender, and ours. */
export interface ServiceBusSenderOptions extends OfficialSenderOptions, OutgoingOptions {
  /** Whether concurrent single sends may share transfers. Default: what the client's `resilience.coalesce` says. */
  readonly coalesce?: boolean;
}

/** The official sender, and ours. */
export interface ServiceBusSender extends OfficialSender, AsyncDisposable {
  /** Resolves once every call made before it has settled, however it did. With the bypass on it resolves at once. */
  flush(): Promise<void>;
}

/** A sender whose operations are retried under the client's policies. */
export class Sender implements ServiceBusSender {
  readonly entityPath: string;
  readonly identifier: string;
  readonly #entity: EntitySender;
  readonly #work: LinkWork;
  readonly #senders: EntitySenders;
  readonly #resilience: Resilience;
  readonly #coalesce: boolean;
  readonly #outgoing: Outgoing;
  readonly #onClosed: () => void;
  readonly #calls = new PendingCalls();
  /** What aborted the calls that close() did not wait for. */
  #cut: Error | undefined;
  #draining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /** @throws what the official createSender throws. */
  constructor(
    senders: EntitySenders,
    entityPath: string,
    { coalesce, partitionBy, largeMessages, ...options }: ServiceBusSenderOptions,
    resilience: Resilience,
    onClosed: () => void,
  ) {
    this.#onClosed = onClosed;
    this.#outgoing = new Outgoing(
      { ...(partitionBy && { partitionBy }), ...(largeMessages && { largeMessages }) },
      resilience.clock,
    );
    this.#senders = senders;
    this.#entity = senders.acquire(entityPath, options);
    this.#resilience = resilience;
    this.#work = new LinkWork(this.#entity.link, resilience);
    this.#coalesce = coalesce ?? resilience.coalesce;
    this.entityPath = entityPath;
    this.identifier = options.identifier ?? `${entityPath}-${crypto.randomUUID()}`;
  }

  /** True once `close()` was called on this sender or its client. */
  get isClosed(): boolean {
    return this.#draining !== undefined;
  }

  /**
   * Sends; resolves once the broker has accepted. Every attempt carries the same `messageId`, so an entity with
   * duplicate detection stores one message whatever happened on the way. An array is one all-or-nothing batch while
   * it fits and has one session and partition key; a larger one is split, and `failureOf(error).items` says what became
   * of each message.
   *
   * @throws the official client's own error; `failureOf(error)` tells the rest. `outcome: "unknown"` there means that
   * the messages may have been stored.
   */
  sendMessages(messages: Sendable, options?: OperationOptionsBase): Promise<void> {
    if (this.isClosed) return Promise.reject(senderClosedError(this.entityPath));
    try {
      const stamped = this.#outgoing.stamp(messages);
      if (this.#goesAtOnce(stamped, options)) return this.#sendAtOnce(stamped, options);
      return this.#call("serviceBus.send", options, (signal) => this.#send(stamped, options, signal));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** An official batch, bounded by the link's size; opens the link when it is not. Messages get their id as they are added. */
  createMessageBatch(options?: CreateMessageBatchOptions): Promise<ServiceBusMessageBatch> {
    return this.#call("serviceBus.send", options, async (signal) => {
      const batch = await this.#work.emptyBatch(options, signal);
      return stampingBatch(batch, (message) => this.#outgoing.stamp(message));
    });
  }

  /** Schedules; resolves with the sequence numbers. A repetition carries the same message ids. */
  scheduleMessages(...[messages, at, options]: Parameters<Schedule>): ReturnType<Schedule> {
    return this.#call("serviceBus.schedule", options, (signal) => {
      const stamped = this.#outgoing.stamp(messages);
      return this.#work.manage("serviceBus.schedule", signal, (sender, attempt) =>
        sender.scheduleMessages(stamped, at, { ...options, abortSignal: attempt.signal }),
      );
    });
  }

  /** Cancels; resolves once the broker has confirmed. */
  cancelScheduledMessages(sequenceNumbers: SequenceNumbers, options?: OperationOptionsBase): Promise<void> {
    return this.#call("serviceBus.cancelScheduled", options, (signal) =>
      this.#work.manage("serviceBus.cancelScheduled", signal, (sender, attempt) =>
        sender.cancelScheduledMessages(sequenceNumbers, { ...options, abortSignal: attempt.signal }),
      ),
    );
  }

  /** Resolves once every call made before it has settled, however it did. */
  flush(): Promise<void> {
    return this.#calls.settled();
  }

  /**
   * Takes no new work, lets what is in hand finish for up to `closeTimeoutMs`, aborts the rest, closes the link.
   * Never rejects; a second call waits for the first.
   */
  async close(): Promise<void> {
    await this.drain();
    this.#closing ??= this.#senders.release(this.#entity);
    await this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Everything `close()` does but the last: the client closes all links at once, with their connections. */
  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  async #drain(): Promise<void> {
    const { closeTimeoutMs, clock } = this.#resilience;
    if (!this.#calls.isEmpty) await withinTime(this.flush(), closeTimeoutMs, clock);
    this.#cut = cutByCloseError(this.entityPath);
    this.#calls.end(this.#cut);
    await this.flush();
    this.#onClosed();
  }

  /** One call from its beginning to its end, however many runs it takes: close() and flush() wait for it. */
  #call<T>(
    operation: ServiceBusOperation,
    options: OperationOptionsBase | undefined,
    work: (signal: AbortSignalLike) => Promise<T>,
  ): Promise<T> {
    if (this.isClosed) return Promise.reject(senderClosedError(this.entityPath));
    const call = this.#calls.begin();
    return this.#ended(operation, call, started(work, call.with(options?.abortSignal)));
  }

  #ended<T>(operation: ServiceBusOperation, call: PendingCall, work: Promise<T>): Promise<T> {
    return work.then(
      (result) => {
        this.#calls.over(call);
        return result;
      },
      (error: unknown) => {
        this.#calls.over(call);
        if (error !== undefined && error === this.#cut)
          tellCut(this.#cut, operation, this.entityPath, this.#resilience);
        throw error;
      },
    );
  }

  #goesAtOnce(stamped: Sendable, options: OperationOptionsBase | undefined): stamped is SingleMessage {
    if (options?.abortSignal !== undefined || this.#outgoing.shrinks || !isSingle(stamped)) return false;
    return this.#entity.coalescer.isFree && this.#work.isCalm;
  }

  #sendAtOnce(message: SingleMessage, options: OperationOptionsBase | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const call = this.#calls.begin();
      const accepted = (): void => {
        this.#calls.over(call);
        resolve();
      };
      const failed = (first: FailedAttempt): void => {
        const rest = this.#work.transferAfter(first, call, this.#attempts(message, options));
        this.#ended("serviceBus.send", call, rest).then(resolve, reject);
      };
      const startedAt = this.#resilience.clock.now();
      const first = { message, options, lifetime: call, startedAt, accepted, failed };
      this.#entity.coalescer.first(first, this.#coalesce);
    });
  }

  #send(
    stamped: Sendable,
    options: OperationOptionsBase | undefined,
    signal: AbortSignalLike,
  ): Promise<void> {
    // What is missing has no key either: the official client has the words for it.
    if (isBatch(stamped) || (stamped as unknown) == null) return this.#sendWhole(stamped, options, signal);
    if (this.#outgoing.shrinks) return this.#sendShrunk(stamped, options, signal);
    return Array.isArray(stamped)
      ? this.#sendArray({ messages: stamped }, options, signal)
      : this.#sendSingle(stamped, options, signal);
  }

  async #sendShrunk(
    stamped: SingleMessage | SingleMessage[],
    options: OperationOptionsBase | undefined,
    signal: AbortSignalLike,
  ): Promise<void> {
    const { link } = this.#entity;
    await this.#work.emptyBatch(options, signal);
    const list = Array.isArray(stamped) ? stamped : [stamped];
    const shrunk = await this.#outgoing.shrink(list, link.maxMessageBytes, options?.abortSignal);
    const [first] = shrunk.messages;
    const isSingle = !Array.isArray(stamped) && shrunk.messages.length === 1 && first !== undefined;
    return isSingle ? this.#sendSingle(first, options, signal) : this.#sendArray(shrunk, options, signal);
  }

  #sendSingle(
    message: SingleMessage,
    options: OperationOptionsBase | undefined,
    signal: AbortSignalLike,
  ): Promise<void> {
    return this.#work.transfer(signal, this.#attempts(message, options));
  }

  #attempts(
    message: SingleMessage,
    options: OperationOptionsBase | undefined,
  ): (scope: Attempt) => Promise<void> {
    const { coalescer } = this.#entity;
    return (scope) => coalescer.single(message, this.#coalesce, options, scope);
  }

  #sendArray(
    array: SentArray,
    options: OperationOptionsBase | undefined,
    signal: AbortSignalLike,
  ): Promise<void> {
    // The official client sends an empty envelope for an empty array.
    if (array.messages.length === 0) return this.#sendWhole([], options, signal);
    return sendArray(array, options, {
      entityPath: this.entityPath,
      resilience: this.#resilience,
      plan: (work) => this.#work.onLink(signal, work),
      send: (content, policy) => this.#sendWhole(content, options, signal, policy),
    });
  }

  /** One transfer that cannot be shared: a batch. */
  #sendWhole(
    content: Sendable,
    options: OperationOptionsBase | undefined,
    signal: AbortSignalLike,
    policy?: Policy,
  ): Promise<void> {
    const { coalescer } = this.#entity;
    const whole = (sender: OfficialSender, abortSignal: Lifetime): Promise<void> =>
      sender.sendMessages(content, { ...options, abortSignal });
    const credits = isBatch(content) ? content.count : 1;
    const attempt = (scope: Attempt): Promise<void> => coalescer.whole(whole, scope);
    return this.#work.transferWhole(signal, credits, attempt, policy);
  }
}

/** What the work throws at once is a rejection too. */
function started<T>(work: (signal: AbortSignalLike) => Promise<T>, signal: AbortSignalLike): Promise<T> {
  try {
    return work(signal);
  } catch (error) {
    return Promise.reject(error);
  }
}
