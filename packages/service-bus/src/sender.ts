import type {
  CreateMessageBatchOptions,
  OperationOptionsBase,
  ServiceBusMessageBatch,
  ServiceBusSender as OfficialSender,
  ServiceBusSenderOptions,
} from "@azure/service-bus";
import { run, type Attempt } from "@holdfast/core";
import { withinTime, type Connection } from "./connection.ts";
import { Lifetime } from "./lifetime.ts";
import { stampingBatch, withMessageIds, type Sendable } from "./message-ids.ts";
import { senderClosedError, timeoutError } from "./official-errors.ts";
import type { ServiceBusOperation } from "./operations.ts";
import type { Resilience } from "./resilience.ts";
import { SenderLink } from "./sender-link.ts";

type Long = Parameters<OfficialSender["cancelScheduledMessages"]>[0];
type Schedule = OfficialSender["scheduleMessages"];

/** A sender whose operations are retried under the client's policies. The methods are the official ones. */
export class Sender implements OfficialSender {
  readonly entityPath: string;
  readonly identifier: string;
  readonly #link: SenderLink;
  readonly #resilience: Resilience;
  readonly #onClosed: () => void;
  readonly #lifetime = new Lifetime();
  readonly #work = new Set<Promise<unknown>>();
  #draining: Promise<void> | undefined;

  /** @throws what the official createSender throws. */
  constructor(
    connection: Connection,
    entityPath: string,
    options: ServiceBusSenderOptions | undefined,
    resilience: Resilience,
    onClosed: () => void,
  ) {
    this.#link = new SenderLink(connection, entityPath, options, resilience);
    this.#resilience = resilience;
    this.#onClosed = onClosed;
    this.entityPath = entityPath;
    this.identifier = this.#link.identifier;
  }

  /** True once `close()` was called on this sender or its client. */
  get isClosed(): boolean {
    return this.#draining !== undefined;
  }

  /**
   * Sends; resolves once the broker has accepted. Every attempt carries the same `messageId`, so an entity with
   * duplicate detection stores one message whatever happened on the way.
   *
   * @throws the official client's own error; `failureOf(error)` tells the rest. `outcome: "unknown"` there means that
   * the messages may have been stored.
   */
  async sendMessages(messages: Sendable, options?: OperationOptionsBase): Promise<void> {
    const stamped = withMessageIds(messages);
    await this.#run("serviceBus.send", options, (sender, attempt) =>
      sender.sendMessages(stamped, { ...options, abortSignal: attempt.signal }),
    );
  }

  /** An official batch, bounded by the link's size; opens the link when it is not. Messages get their id as they are added. */
  async createMessageBatch(options?: CreateMessageBatchOptions): Promise<ServiceBusMessageBatch> {
    const batch = await this.#run("serviceBus.send", options, (sender, attempt) =>
      sender.createMessageBatch({ ...options, abortSignal: attempt.signal }),
    );
    return stampingBatch(batch);
  }

  /** Schedules; resolves with the sequence numbers. A repetition carries the same message ids. */
  async scheduleMessages(...[messages, at, options]: Parameters<Schedule>): ReturnType<Schedule> {
    const stamped = withMessageIds(messages);
    return this.#run("serviceBus.schedule", options, (sender, attempt) =>
      sender.scheduleMessages(stamped, at, { ...options, abortSignal: attempt.signal }),
    );
  }

  /** Cancels; resolves once the broker has confirmed. */
  async cancelScheduledMessages(sequenceNumbers: Long, options?: OperationOptionsBase): Promise<void> {
    await this.#run("serviceBus.cancelScheduled", options, (sender, attempt) =>
      sender.cancelScheduledMessages(sequenceNumbers, { ...options, abortSignal: attempt.signal }),
    );
  }

  /**
   * Takes no new work, lets what is in hand finish for up to `closeTimeoutMs`, aborts the rest, closes the link.
   * Never rejects; a second call waits for the first.
   */
  async close(): Promise<void> {
    await this.drain();
    await this.#link.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Everything `close()` does but the last: the client closes all links at once, with their connection. */
  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  async #drain(): Promise<void> {
    const { closeTimeoutMs, clock } = this.#resilience;
    if (this.#work.size > 0) await withinTime(Promise.allSettled(this.#work), closeTimeoutMs, clock);
    this.#lifetime.end(senderClosedError(this.entityPath));
    await Promise.allSettled(this.#work);
    this.#link.end();
    this.#onClosed();
  }

  async #run<T>(
    operation: ServiceBusOperation,
    options: OperationOptionsBase | undefined,
    work: (sender: OfficialSender, attempt: Attempt) => Promise<T>,
  ): Promise<T> {
    if (this.isClosed) throw senderClosedError(this.entityPath);
    const { policy, classify, clock, random, onEvent } = this.#resilience;
    const link = this.#link;
    const isSend = operation === "serviceBus.send";
    const attempt = (scope: Attempt): Promise<T> => {
      const onSender = (sender: OfficialSender): Promise<T> => work(sender, scope);
      return isSend ? link.send(onSender, scope) : link.manage(onSender, scope);
    };
    const result = run(attempt, {
      operation,
      target: this.entityPath,
      policy: policy(operation),
      classify,
      clock,
      random,
      onEvent,
      signal: this.#lifetime.with(options?.abortSignal),
      ready: isSend ? (scope) => link.ready(scope) : undefined,
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
