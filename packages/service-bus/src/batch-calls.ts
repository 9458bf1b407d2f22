import type {
  ReceiveMessagesOptions as OfficialOptions,
  ServiceBusReceivedMessage,
} from "@azure/service-bus";
import { emit, run, type AbortSignalLike, type Attempt } from "@holdfast/core";
import { BatchPolicy } from "./batch-policy.ts";
import { BatchCollector } from "./batch-collector.ts";
import { withinTime } from "./connection-pool.ts";
import { leaseOf } from "./lease.ts";
import type { Lifetime } from "./lifetime.ts";
import { cutByCloseError, timeoutError } from "./official-errors.ts";
import { deafLinkError } from "./receiver-errors.ts";
import type { ReceiverLink } from "./receiver-link.ts";
import type { Receiving } from "./receiving.ts";
import { settlings } from "./settling.ts";

/** The official options of `receiveMessages`, and ours. */
export interface ReceiveMessagesOptions extends OfficialOptions {
  /**
   * True: wait for `maxMessageCount` messages until `maxWaitTimeInMs` is over. Default false: as the official client does,
   * return a second after the first message at the latest.
   */
  readonly fill?: boolean;
}

// What the official client waits for more after the first message.
const afterFirstMs = 1_000;

// However little time the caller gives, a link that had to be opened is listened to for so long.
const leastWaitMs = 250;

/** How many messages one call brings at most, and so how many deliveries of a link are under way: the engine holds 2048 (gap 5). */
export const largestBatch = 1_500;

const probeTimeoutMs = 5_000;

// How long a call waits for what an aborted one before it gives back: a little longer than a link takes to stop.
const returnTimeoutMs = 600;

/** The calls of `receiveMessages` of one receiver, one after the other, under the policy. */
export abstract class BatchCalls {
  protected readonly receiving: Receiving;
  protected readonly lifetime: Lifetime;
  readonly #returning = new Set<Promise<unknown>>();
  readonly #policy = new BatchPolicy();
  #call: Promise<unknown> | undefined;
  #isEnding = false;
  /** When a message came, or the link was suspected. */
  #lastAt: number;

  constructor(receiving: Receiving, lifetime: Lifetime) {
    this.receiving = receiving;
    this.lifetime = lifetime;
    this.#lastAt = receiving.resilience.clock.now();
  }

  get isReceiving(): boolean {
    return this.#call !== undefined;
  }

  /** @throws the official error when the link cannot be opened in time; an `AbortError` when aborted. */
  receive(maxMessageCount: number, options: ReceiveMessagesOptions): Promise<ServiceBusReceivedMessage[]> {
    const call = this.#run(maxMessageCount, options).finally(() => {
      this.#call = undefined;
    });
    this.#call = call;
    return call;
  }

  /** Gives back what nobody has asked for. */
  abstract drain(): Promise<void>;

  /**
   * The receiver is being closed: a call that waits for messages ends with those it has, and all others are given back. One
   * that waits for its link ends with the receiver's lifetime.
   */
  async end(): Promise<void> {
    this.#isEnding = true;
    if (this.endCollecting()) await Promise.allSettled([this.#call]);
    await this.drain();
    await this.returned();
  }

  abstract close(): Promise<void>;

  /** Lets the call that waits for messages have those that have come; whether there was one. */
  protected abstract endCollecting(): boolean;

  /** What one attempt brings, until the collector has enough or its time is over. */
  protected abstract gather(
    collector: BatchCollector,
    attempt: Attempt,
    signal: AbortSignalLike,
  ): Promise<ServiceBusReceivedMessage[]>;

  /** Resolves when everything that is being given back has been. */
  protected returned(): Promise<unknown> {
    return Promise.all(this.#returning);
  }

  /** The next call waits for it, for a while. */
  protected giveBack(work: Promise<unknown>): void {
    const returned = work.finally(() => this.#returning.delete(returned));
    this.#returning.add(returned);
  }

  protected async abandon(message: ServiceBusReceivedMessage): Promise<void> {
    const lease = leaseOf(message);
    if (lease !== undefined) await this.receiving.settle(lease, settlings.abandon());
  }

  /** A call on this link is over. When none brings anything for long though messages wait, the link is deaf, and the next call gets another. */
  protected heard(link: ReceiverLink, messages: number): void {
    const { resilience, entityPath } = this.receiving;
    const { clock, stallAfterMs, onEvent } = resilience;
    const silentMs = clock.now() - this.#lastAt;
    if (messages > 0 || silentMs >= stallAfterMs) this.#lastAt = clock.now();
    if (messages > 0 || silentMs < stallAfterMs) return;
    this.receiving.hasActiveMessages(probeTimeoutMs).then(
      (isSomethingWaiting) => {
        if (!isSomethingWaiting) return;
        emit(onEvent, { type: "stalled", operation: "serviceBus.receive", target: entityPath, silentMs });
        link.lose(deafLinkError(entityPath));
      },
      () => {
        // What cannot be found out is tried again after the next silence.
      },
    );
  }

  #run(maxMessageCount: number, options: ReceiveMessagesOptions): Promise<ServiceBusReceivedMessage[]> {
    const { connection, resilience, locks } = this.receiving;
    const { classify, clock, random, onEvent } = resilience;
    const { policy, waitMs } = this.#policy.for(
      resilience.policy("serviceBus.receive"),
      options.maxWaitTimeInMs,
    );
    const waitUntil = clock.now() + waitMs;
    const signal = this.lifetime.with(options.abortSignal);
    return run(
      (attempt) => {
        const collector = new BatchCollector(clock, {
          count: Math.min(maxMessageCount, largestBatch),
          waitUntil,
          leastWaitMs: Math.min(waitMs, leastWaitMs),
          afterFirstMs: options.fill === true ? Infinity : afterFirstMs,
        });
        if (this.#isEnding) throw cutByCloseError(connection.entityPath, "receiver");
        if (this.#returning.size === 0) return this.gather(collector, attempt, signal);
        return this.#gatherAfterReturn(collector, attempt, signal);
      },
      {
        ...{
          operation: "serviceBus.receive",
          target: connection.entityPath,
          classify,
          clock,
          random,
          onEvent,
        },
        policy,
        // What was received and deleted exists nowhere else: it is returned even to a caller who has changed his mind.
        signal: locks ? signal : undefined,
        act: (action) => {
          if (action === "rotate") connection.rotate();
        },
        timeoutError: (ms) => timeoutError(connection.entityPath, ms),
      },
    );
  }

  /** What an aborted call before this one brought is given back first, if the service lets us. */
  async #gatherAfterReturn(
    collector: BatchCollector,
    attempt: Attempt,
    signal: AbortSignalLike,
  ): Promise<ServiceBusReceivedMessage[]> {
    await withinTime(this.returned(), returnTimeoutMs, this.receiving.resilience.clock);
    return attempt.ended ? [] : this.gather(collector, attempt, signal);
  }
}
