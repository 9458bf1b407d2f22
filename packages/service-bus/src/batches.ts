import type {
  ReceiveMessagesOptions as OfficialOptions,
  ServiceBusReceivedMessage,
} from "@azure/service-bus";
import { emit, onAbort, run, type AbortSignalLike, type Attempt, type Policy } from "@holdfast/core";
import { BatchCollector } from "./batch-collector.ts";
import { leaseOf } from "./lease.ts";
import type { Lifetime } from "./lifetime.ts";
import { cutByCloseError, timeoutError } from "./official-errors.ts";
import { deafLinkError } from "./receiver-errors.ts";
import { ReceiverLink } from "./receiver-link.ts";
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

// The official client's default, and what it waits for more after the first message.
const defaultWaitMs = 60_000;
const afterFirstMs = 1_000;

// However little time the caller gives, a link that had to be opened is listened to for so long.
const leastWaitMs = 250;

// What opening, draining and our timers may take on top of the caller's wait.
const graceMs = 900;

// A link holds no more deliveries than the engine's buffer of 2048 (gap 5).
const longestSpan = 2_000;
const largestBatch = 1_500;

// A link asks for a fixed number of messages; one for each number that is asked for, up to so many.
const maxLinks = 4;

const probeTimeoutMs = 5_000;

/** `receiveMessages` of one receiver. */
export class Batches {
  readonly #receiving: Receiving;
  readonly #lifetime: Lifetime;
  /** By number of messages, the latest used last. */
  readonly #links = new Map<number, ReceiverLink>();
  readonly #opening = new Map<ReceiverLink, Promise<void>>();
  readonly #retired = new Set<ReceiverLink>();
  readonly #collectors = new Map<ReceiverLink, BatchCollector>();
  readonly #returning = new Set<Promise<unknown>>();
  /** Received and deleted when nobody waited any more: the next call gets them. */
  readonly #leftover: ServiceBusReceivedMessage[] = [];
  #policy: { readonly from: Policy; readonly waitMs: number; readonly to: Policy } | undefined;
  #isReceiving = false;
  /** When a message came, or the link was suspected. */
  #lastAt: number;

  constructor(receiving: Receiving, lifetime: Lifetime) {
    this.#receiving = receiving;
    this.#lifetime = lifetime;
    this.#lastAt = receiving.resilience.clock.now();
  }

  get isReceiving(): boolean {
    return this.#isReceiving;
  }

  /** @throws the official error when the link cannot be opened in time; an `AbortError` when aborted. */
  async receive(
    maxMessageCount: number,
    options: ReceiveMessagesOptions,
  ): Promise<ServiceBusReceivedMessage[]> {
    this.#isReceiving = true;
    try {
      // What an aborted call before this one brought is given back first.
      await Promise.all(this.#returning);
      return await this.#run(maxMessageCount, options);
    } finally {
      this.#isReceiving = false;
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#returning);
    await Promise.all([...this.#links.values(), ...this.#retired].map((link) => link.close()));
    this.#links.clear();
    this.#retired.clear();
  }

  #run(maxMessageCount: number, options: ReceiveMessagesOptions): Promise<ServiceBusReceivedMessage[]> {
    const { connection, resilience, locks } = this.#receiving;
    const { classify, clock, random, onEvent } = resilience;
    const waitMs = options.maxWaitTimeInMs ?? defaultWaitMs;
    const waitUntil = clock.now() + waitMs;
    const signal = this.#lifetime.with(options.abortSignal);
    return run(
      (attempt) => {
        const collector = new BatchCollector(clock, {
          count: Math.min(maxMessageCount, largestBatch),
          waitUntil,
          leastWaitMs: Math.min(waitMs, leastWaitMs),
          afterFirstMs: options.fill === true ? Infinity : afterFirstMs,
        });
        return locks ? this.#receive(collector, attempt) : this.#receiveDeleted(collector, attempt, signal);
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
        policy: this.#policyFor(waitMs),
        // What was received and deleted exists nowhere else: it is returned even to a caller who has changed his mind.
        signal: locks ? signal : undefined,
        act: (action) => {
          if (action === "rotate") connection.rotate();
        },
        timeoutError: (ms) => timeoutError(connection.entityPath, ms),
      },
    );
  }

  /** A call has as long as its caller waits, and most wait as long as the last. */
  #policyFor(waitMs: number): Policy {
    const from = this.#receiving.resilience.policy("serviceBus.receive");
    if (this.#policy?.from !== from || this.#policy.waitMs !== waitMs) {
      const to = from.with({ deadlineMs: waitMs + graceMs, attemptTimeoutMs: Infinity });
      this.#policy = { from, waitMs, to };
    }
    return this.#policy.to;
  }

  async #receive(collector: BatchCollector, attempt: Attempt): Promise<ServiceBusReceivedMessage[]> {
    const link = this.#linkFor(collector.count);
    const { locks } = this.#receiving;
    const { signal } = attempt;
    signal.addEventListener("abort", () => {
      this.#giveBack(collector, link);
    });
    await this.#open(link);
    if (attempt.ended) return [];
    this.#collectors.set(link, collector);
    const error = await collector.collect();
    const stopped = link.stop();
    // When all that was asked for has come, nothing is on its way.
    if (!locks || collector.messages.length < link.credits) await stopped;
    this.#collectors.delete(link);
    if (collector.messages.length > 0) this.#lastAt = this.#receiving.resilience.clock.now();
    else this.#suspect(link);
    if (error !== undefined && collector.messages.length === 0) throw error;
    return collector.messages;
  }

  /** After an abort, what has come is returned all the same; with nothing, it rejects as any other. */
  async #receiveDeleted(
    collector: BatchCollector,
    attempt: Attempt,
    signal: AbortSignalLike,
  ): Promise<ServiceBusReceivedMessage[]> {
    for (const message of this.#leftover.splice(0, collector.count)) collector.add(message);
    const stop = onAbort(signal, () => {
      collector.end();
    });
    try {
      if (signal.aborted) collector.end();
      const messages = collector.isOver ? collector.messages : await this.#receive(collector, attempt);
      if (messages.length === 0 && signal.aborted)
        throw cutByCloseError(this.#receiving.entityPath, "receiver");
      return messages;
    } finally {
      stop();
    }
  }

  /** Nothing came for long: if messages wait all the same, the link is deaf, and the next call gets another. */
  #suspect(link: ReceiverLink): void {
    const { resilience, entityPath } = this.#receiving;
    const { clock, stallAfterMs, onEvent } = resilience;
    const silentMs = clock.now() - this.#lastAt;
    if (silentMs < stallAfterMs) return;
    this.#lastAt = clock.now();
    this.#receiving.hasActiveMessages(probeTimeoutMs).then(
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

  /** The caller is gone: what is on its way is awaited and abandoned, or it would stay locked. */
  #giveBack(collector: BatchCollector, link: ReceiverLink): void {
    collector.end();
    const returned = link
      .stop()
      .then(() => {
        this.#collectors.delete(link);
        return Promise.allSettled(collector.messages.map((message) => this.#abandon(message)));
      })
      .finally(() => this.#returning.delete(returned));
    this.#returning.add(returned);
  }

  async #abandon(message: ServiceBusReceivedMessage): Promise<void> {
    const lease = leaseOf(message);
    if (lease !== undefined) await this.#receiving.settle(lease, settlings.abandon());
  }

  #linkFor(count: number): ReceiverLink {
    const known = this.#links.get(count);
    this.#links.delete(count);
    if (known !== undefined && known.span + count > longestSpan) this.#retire(known);
    const isFit =
      known !== undefined && !this.#retired.has(known) && (known.isOpen || this.#opening.has(known));
    const link = isFit ? known : this.#make(count);
    this.#links.set(count, link);
    const [oldest] = this.#links;
    if (this.#links.size > maxLinks && oldest !== undefined) {
      this.#links.delete(oldest[0]);
      this.#retire(oldest[1]);
    }
    return link;
  }

  #make(count: number): ReceiverLink {
    const { connection, resilience } = this.#receiving;
    return new ReceiverLink(connection, count, resilience.clock, {
      message: (message, link) => {
        this.#receiving.hold(message, link);
        const collector = this.#collectors.get(link);
        if (collector === undefined) this.#notWanted(message);
        else collector.add(message);
        // Never: the official client would ask for another message in its place.
        return new Promise<void>(() => undefined);
      },
      lost: (error, link) => {
        this.#receiving.lost(link);
        this.#retired.delete(link);
        if (this.#links.get(count) === link) this.#links.delete(count);
        this.#collectors.get(link)?.end(error);
      },
      settled: (link) => {
        this.#closeIfSettled(link);
      },
    });
  }

  #notWanted(message: ServiceBusReceivedMessage): void {
    if (!this.#receiving.locks) {
      this.#leftover.push(message);
      return;
    }
    const returned = this.#abandon(message)
      .catch(() => undefined)
      .finally(() => this.#returning.delete(returned));
    this.#returning.add(returned);
  }

  /** An opening outlives the call that began it: on a slow line the next finds it done. */
  #open(link: ReceiverLink): Promise<void> {
    const known = this.#opening.get(link);
    if (known !== undefined) return known;
    const opening = link.listen().finally(() => {
      this.#opening.delete(link);
    });
    this.#opening.set(link, opening);
    opening.catch(() => {
      for (const [count, other] of this.#links) if (other === link) this.#links.delete(count);
    });
    return opening;
  }

  #retire(link: ReceiverLink): void {
    this.#retired.add(link);
    this.#closeIfSettled(link);
  }

  #closeIfSettled(link: ReceiverLink): void {
    if (!this.#retired.has(link) || !link.isSettled) return;
    this.#retired.delete(link);
    void link.close();
  }
}
