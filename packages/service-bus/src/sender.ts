import type {
  CreateMessageBatchOptions,
  OperationOptionsBase,
  ServiceBusMessageBatch,
  ServiceBusSender as OfficialSender,
  ServiceBusSenderOptions as OfficialSenderOptions,
} from "@azure/service-bus";
import { run, type Attempt, type Policy } from "@holdfast/core";
import { sendArray } from "./array-send.ts";
import { withinTime } from "./connection-pool.ts";
import type { EntitySender, EntitySenders } from "./entity-senders.ts";
import { Lifetime } from "./lifetime.ts";
import { isBatch, stampingBatch, withMessageIds, type Sendable } from "./message-ids.ts";
import { linkClosedError, senderClosedError, timeoutError } from "./official-errors.ts";
import type { ServiceBusOperation } from "./operations.ts";
import type { Resilience } from "./resilience.ts";

type SequenceNumbers = Parameters<OfficialSender["cancelScheduledMessages"]>[0];
type Schedule = OfficialSender["scheduleMessages"];

/** The official options of a sender, and ours. */
export interface ServiceBusSenderOptions extends OfficialSenderOptions {
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
    { coalesce, ...options }: ServiceBusSenderOptions,
    resilience: Resilience,
    onClosed: () => void,
  ) {
    this.#onClosed = onClosed;
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
    const stamped = withMessageIds(messages);
    const { coalescer } = this.#entity;
    if (Array.isArray(stamped) && stamped.length > 0) {
      await sendArray(stamped, options, {
        entityPath: this.entityPath,
        resilience: this.#resilience,
        plan: (work) => this.#run("serviceBus.send", options, () => work(this.#entity.link)),
        send: (content, policy) => this.#send(content, options, policy),
      });
    } else if (isBatch(stamped) || Array.isArray(stamped)) {
      await this.#send(stamped, options);
    } else {
      const attempt = (scope: Attempt): Promise<void> =>
        coalescer.single(stamped, this.#coalesce, options, scope);
      await this.#run("serviceBus.send", options, attempt, this.#transferPolicy());
    }
  }

  /** An official batch, bounded by the link's size; opens the link when it is not. Messages get their id as they are added. */
  async createMessageBatch(options?: CreateMessageBatchOptions): Promise<ServiceBusMessageBatch> {
    const batch = await this.#run("serviceBus.send", options, async () => {
      const made = await this.#entity.link.emptyBatch(options);
      if (made === undefined) throw linkClosedError(this.entityPath);
      return made;
    });
    return stampingBatch(batch);
  }

  /** Schedules; resolves with the sequence numbers. A repetition carries the same message ids. */
  async scheduleMessages(...[messages, at, options]: Parameters<Schedule>): ReturnType<Schedule> {
    const stamped = withMessageIds(messages);
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
    this.#lifetime.end(senderClosedError(this.entityPath));
    await this.flush();
    this.#onClosed();
  }

  /** One transfer that cannot be shared: a batch. */
  #send(
    content: Sendable,
    options: OperationOptionsBase | undefined,
    policy = this.#transferPolicy(),
  ): Promise<void> {
    const { coalescer } = this.#entity;
    const whole = (sender: OfficialSender, abortSignal: Lifetime): Promise<void> =>
      sender.sendMessages(content, { ...options, abortSignal });
    return this.#run("serviceBus.send", options, (attempt) => coalescer.whole(whole, attempt), policy);
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
    return this.#run(operation, options, (attempt) =>
      link.manage((sender) => work(sender, attempt), attempt),
    );
  }

  async #run<T>(
    operation: ServiceBusOperation,
    options: OperationOptionsBase | undefined,
    work: (attempt: Attempt) => Promise<T>,
    policy = this.#resilience.policy(operation),
  ): Promise<T> {
    if (this.isClosed) throw senderClosedError(this.entityPath);
    const { classify, clock, random, onEvent } = this.#resilience;
    const { link } = this.#entity;
    const result = run(work, {
      operation,
      target: this.entityPath,
      policy,
      classify,
      clock,
      random,
      onEvent,
      signal: this.#lifetime.with(options?.abortSignal),
      ready: operation === "serviceBus.send" ? (scope) => link.ready(scope) : undefined,
      // A refresh is a new link with a new token, which the next attempt makes by itself.
      act: () => undefined,
      timeoutError: (ms) => timeoutError(this.entityPath, ms),
    });
    this.#work.add(result);
    try {
      return await result;
    } finally {
      this.#work.delete(result);
    }
  }
}
