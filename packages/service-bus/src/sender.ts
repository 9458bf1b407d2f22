import type {
  CreateMessageBatchOptions,
  OperationOptionsBase,
  ServiceBusMessageBatch,
  ServiceBusSender as OfficialSender,
  ServiceBusSenderOptions as OfficialSenderOptions,
} from "@azure/service-bus";
import { emit, failureOf, run, type Attempt, type Policy } from "@holdfast/core";
import { sendArray, type SentArray } from "./array-send.ts";
import { withinTime } from "./connection-pool.ts";
import type { EntitySender, EntitySenders } from "./entity-senders.ts";
import { Lifetime } from "./lifetime.ts";
import { isBatch, stampingBatch, type Sendable } from "./message-ids.ts";
import type { SingleMessage } from "./message-key.ts";
import { cutByCloseError, linkClosedError, senderClosedError, timeoutError } from "./official-errors.ts";
import type { ServiceBusOperation } from "./operations.ts";
import { Outgoing, type OutgoingOptions } from "./outgoing.ts";
import type { Resilience } from "./resilience.ts";

import type { SenderLink } from "./sender-link.ts";

type SequenceNumbers = Parameters<OfficialSender["cancelScheduledMessages"]>[0];
type Schedule = OfficialSender["scheduleMessages"];

// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-throttling: a data operation costs 1 credit, a
// management operation 10.
const managementCredits = 10;

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
  readonly #senders: EntitySenders;
  readonly #resilience: Resilience;
  readonly #coalesce: boolean;
  readonly #outgoing: Outgoing;
  readonly #onClosed: () => void;
  readonly #lifetime = new Lifetime();
  readonly #work = new Set<Promise<unknown>>();
  #draining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  /** The policy for single sends, whose attempts are bounded by their transfer's time. */
  #unbounded: { readonly from: Policy; readonly to: Policy } | undefined;

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
  async sendMessages(messages: Sendable, options?: OperationOptionsBase): Promise<void> {
    const stamped = this.#outgoing.stamp(messages);
    if (isBatch(stamped)) return this.#sendWhole(stamped, options);
    const list = Array.isArray(stamped) ? stamped : [stamped];
    if (!this.#outgoing.shrinks) {
      return Array.isArray(stamped)
        ? this.#sendArray({ messages: list }, options)
        : this.#sendSingle(stamped, options);
    }
    const { link } = this.#entity;
    await this.#emptyBatch(options);
    const shrunk = await this.#outgoing.shrink(list, link.maxMessageBytes, options?.abortSignal);
    const [first] = shrunk.messages;
    const isSingle = !Array.isArray(stamped) && shrunk.messages.length === 1 && first !== undefined;
    return isSingle ? this.#sendSingle(first, options) : this.#sendArray(shrunk, options);
  }

  /** An official batch, bounded by the link's size; opens the link when it is not. Messages get their id as they are added. */
  async createMessageBatch(options?: CreateMessageBatchOptions): Promise<ServiceBusMessageBatch> {
    const batch = await this.#emptyBatch(options);
    return stampingBatch(batch, (message) => this.#outgoing.stamp(message));
  }

  /** Schedules; resolves with the sequence numbers. A repetition carries the same message ids. */
  async scheduleMessages(...[messages, at, options]: Parameters<Schedule>): ReturnType<Schedule> {
    const stamped = this.#outgoing.stamp(messages);
    return this.#manage("serviceBus.schedule", options, (sender, attempt) =>
      sender.scheduleMessages(stamped, at, { ...options, abortSignal: attempt.signal }),
    );
  }

  /** Cancels; resolves once the broker has confirmed. */
  async cancelScheduledMessages(
    sequenceNumbers: SequenceNumbers,
    options?: OperationOptionsBase,
  ): Promise<void> {
    await this.#manage("serviceBus.cancelScheduled", options, (sender, attempt) =>
      sender.cancelScheduledMessages(sequenceNumbers, { ...options, abortSignal: attempt.signal }),
    );
  }

  /** Resolves once every call made before it has settled, however it did. */
  async flush(): Promise<void> {
    await Promise.allSettled([...this.#work]);
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
    if (this.#work.size > 0) await withinTime(this.flush(), closeTimeoutMs, clock);
    this.#lifetime.end(cutByCloseError(this.entityPath));
    await this.flush();
    this.#onClosed();
  }

  /** From a link that is open, and so has told its size. */
  #emptyBatch(options: CreateMessageBatchOptions | undefined): Promise<ServiceBusMessageBatch> {
    return this.#onLink(options, async (link) => {
      const batch = await link.emptyBatch(options);
      if (batch === undefined) throw linkClosedError(this.entityPath);
      return batch;
    });
  }

  /** What needs the link open and sends nothing: free of charge at the gate. */
  #onLink<T>(options: OperationOptionsBase | undefined, work: (link: SenderLink) => Promise<T>): Promise<T> {
    return this.#run("serviceBus.send", options, 0, () => work(this.#entity.link));
  }

  #sendSingle(message: SingleMessage, options: OperationOptionsBase | undefined): Promise<void> {
    const { coalescer } = this.#entity;
    const attempt = (scope: Attempt): Promise<void> =>
      coalescer.single(message, this.#coalesce, options, scope);
    return this.#run("serviceBus.send", options, 1, attempt, this.#transferPolicy());
  }

  #sendArray(array: SentArray, options: OperationOptionsBase | undefined): Promise<void> {
    // The official client sends an empty envelope for an empty array.
    if (array.messages.length === 0) return this.#sendWhole([], options);
    return sendArray(array, options, {
      entityPath: this.entityPath,
      resilience: this.#resilience,
      plan: (work) => this.#onLink(options, work),
      send: (content, policy) => this.#sendWhole(content, options, policy),
    });
  }

  /** One transfer that cannot be shared: a batch. */
  #sendWhole(
    content: Sendable,
    options: OperationOptionsBase | undefined,
    policy = this.#transferPolicy(),
  ): Promise<void> {
    const { coalescer } = this.#entity;
    const whole = (sender: OfficialSender, abortSignal: Lifetime): Promise<void> =>
      sender.sendMessages(content, { ...options, abortSignal });
    const credits = isBatch(content) ? content.count : 1;
    return this.#run(
      "serviceBus.send",
      options,
      credits,
      (attempt) => coalescer.whole(whole, attempt),
      policy,
    );
  }

  /** Waiting for a place on the link is not the attempt's time; the transfer has the attempt's timeout instead. */
  #transferPolicy(): Policy {
    const from = this.#resilience.policy("serviceBus.send");
    if (this.#unbounded?.from !== from) {
      this.#unbounded = { from, to: from.with({ attemptTimeoutMs: Infinity }) };
    }
    return this.#unbounded.to;
  }

  #manage<T>(
    operation: ServiceBusOperation,
    options: OperationOptionsBase | undefined,
    work: (sender: OfficialSender, attempt: Attempt) => Promise<T>,
  ): Promise<T> {
    const { link } = this.#entity;
    return this.#run(operation, options, managementCredits, (attempt) =>
      link.manage((sender) => work(sender, attempt), attempt),
    );
  }

  async #run<T>(
    operation: ServiceBusOperation,
    options: OperationOptionsBase | undefined,
    cost: number,
    work: (attempt: Attempt) => Promise<T>,
    policy = this.#resilience.policy(operation),
  ): Promise<T> {
    if (this.isClosed) throw senderClosedError(this.entityPath);
    const { classify, clock, random, onEvent, gate, budget, breaker } = this.#resilience;
    const { link } = this.#entity;
    const result = run(work, {
      operation,
      target: this.entityPath,
      policy,
      classify,
      clock,
      random,
      onEvent,
      gate: cost > 0 ? gate : undefined,
      cost,
      budget,
      breaker,
      signal: this.#lifetime.with(options?.abortSignal),
      ready: operation === "serviceBus.send" ? (scope) => link.ready(scope) : undefined,
      // A refresh is a new link with a new token, which the next attempt makes by itself.
      act: () => undefined,
      timeoutError: (ms) => timeoutError(this.entityPath, ms),
    });
    this.#work.add(result);
    try {
      return await result;
    } catch (error) {
      if (this.#lifetime.aborted && error === this.#lifetime.reason) this.#tellCut(operation, error);
      throw error;
    } finally {
      this.#work.delete(result);
    }
  }

  /** The caller's own abort is no news to him; that close() cut a call is. */
  #tellCut(operation: ServiceBusOperation, error: unknown): void {
    const {
      kind = "cancelled",
      id = "closed-by-caller",
      elapsedMs = 0,
      attempts = [],
    } = failureOf(error) ?? {};
    emit(this.#resilience.onEvent, {
      type: "give-up",
      operation,
      target: this.entityPath,
      attempts: attempts.length,
      elapsedMs,
      reason: "closed",
      fault: { kind, id, code: undefined, message: (error as Error).message },
    });
  }
}
