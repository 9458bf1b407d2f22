import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import { onAbort, type AbortSignalLike, type Attempt } from "@holdfast/core";
import { BatchCalls } from "./batch-calls.ts";
import type { BatchCollector } from "./batch-collector.ts";
import { cutByCloseError } from "./official-errors.ts";
import { ReceiverLink } from "./receiver-link.ts";
import { RetiredLinks } from "./retired-links.ts";

// A link holds no more deliveries than the engine's buffer of 2048 (gap 5).
const longestSpan = 2_000;

// A link asks for a fixed number of messages; one for each number that is asked for, up to so many.
const maxLinks = 4;

/** `receiveMessages` that asks the service for what the caller asks for, and for no more. */
export class Batches extends BatchCalls {
  /** By number of messages, the latest used last. */
  readonly #links = new Map<number, ReceiverLink>();
  readonly #opening = new Map<ReceiverLink, Promise<void>>();
  readonly #retired = new RetiredLinks();
  readonly #collectors = new Map<ReceiverLink, BatchCollector>();
  /** Received and deleted when nobody waited any more: the next call gets them. */
  readonly #leftover: ServiceBusReceivedMessage[] = [];

  /** Between calls it has nothing. */
  drain(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await this.returned();
    await Promise.all([this.#retired.close(), ...[...this.#links.values()].map((link) => link.close())]);
    this.#links.clear();
  }

  protected endCollecting(): boolean {
    const collectors = [...this.#collectors.values()];
    for (const collector of collectors) collector.end();
    return collectors.length > 0;
  }

  protected gather(
    collector: BatchCollector,
    attempt: Attempt,
    signal: AbortSignalLike,
  ): Promise<ServiceBusReceivedMessage[]> {
    return this.receiving.locks
      ? this.#receive(collector, attempt)
      : this.#receiveDeleted(collector, attempt, signal);
  }

  async #receive(collector: BatchCollector, attempt: Attempt): Promise<ServiceBusReceivedMessage[]> {
    const link = this.#linkFor(collector.count);
    const { locks } = this.receiving;
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
    this.heard(link, collector.messages.length);
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
        throw cutByCloseError(this.receiving.entityPath, "receiver");
      return messages;
    } finally {
      stop();
    }
  }

  /** The caller is gone: what is on its way is awaited and abandoned, or it would stay locked. */
  #giveBack(collector: BatchCollector, link: ReceiverLink): void {
    collector.end();
    const returned = link.stop().then(() => {
      this.#collectors.delete(link);
      return Promise.allSettled(collector.messages.map((message) => this.abandon(message)));
    });
    this.giveBack(returned);
  }

  #linkFor(count: number): ReceiverLink {
    const known = this.#links.get(count);
    this.#links.delete(count);
    if (known !== undefined && known.span + count > longestSpan) void this.#retired.add(known);
    const isFit =
      known !== undefined && !this.#retired.has(known) && (known.isOpen || this.#opening.has(known));
    const link = isFit ? known : this.#make(count);
    this.#links.set(count, link);
    const [oldest] = this.#links;
    if (this.#links.size > maxLinks && oldest !== undefined) {
      this.#links.delete(oldest[0]);
      void this.#retired.add(oldest[1]);
    }
    return link;
  }

  #make(count: number): ReceiverLink {
    const { connection, resilience } = this.receiving;
    return new ReceiverLink(connection, count, resilience.clock, {
      message: (message, link) => {
        this.receiving.hold(message, link);
        const collector = this.#collectors.get(link);
        if (collector === undefined) this.#notWanted(message);
        else collector.add(message);
        // Never: the official client would ask for another message in its place.
        return new Promise<void>(() => undefined);
      },
      lost: (error, link) => {
        this.receiving.lost(link);
        this.#retired.lost(link);
        if (this.#links.get(count) === link) this.#links.delete(count);
        this.#collectors.get(link)?.end(error);
      },
      settled: (link) => {
        this.#retired.settled(link);
      },
    });
  }

  #notWanted(message: ServiceBusReceivedMessage): void {
    if (!this.receiving.locks) {
      this.#leftover.push(message);
      return;
    }
    this.giveBack(this.abandon(message).catch(() => undefined));
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
}
