import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import type { Attempt } from "@holdfast/core";
import { BatchCalls, largestBatch } from "./batch-calls.ts";
import type { BatchCollector } from "./batch-collector.ts";
import { leaseOf } from "./lease.ts";
import type { Lifetime } from "./lifetime.ts";
import { receiverLinkLostError } from "./receiver-errors.ts";
import { ReceiverLink } from "./receiver-link.ts";
import { RetiredLinks } from "./retired-links.ts";
import type { Receiving } from "./receiving.ts";

/** A message that nobody has asked for yet. */
interface Waiting {
  readonly message: ServiceBusReceivedMessage;
  /** It has left: another may come in its place. */
  readonly taken: () => void;
}

/** The link that messages come on. */
interface Current {
  readonly link: ReceiverLink;
  readonly opened: Promise<void>;
  isOpen: boolean;
  /** Left for good: what still comes is nobody's. */
  isDrained: boolean;
  /** Ask for another message in place of one that was taken, each once. */
  spent: (() => void)[];
}

/**
 * `receiveMessages` with `prefetchCount`: one link that always asks for so many messages; what comes waits here, with its lock
 * kept, until a call takes it, and another comes in its place while the caller works.
 */
export class PrefetchedBatches extends BatchCalls {
  readonly #count: number;
  #waiting: Waiting[] = [];
  readonly #retired = new RetiredLinks();
  /** Those on which messages may be on their way still. */
  readonly #stopping = new Map<Current, Promise<void>>();
  #current: Current | undefined;
  #collector: BatchCollector | undefined;

  constructor(receiving: Receiving, lifetime: Lifetime, count: number) {
    super(receiving, lifetime);
    this.#count = count;
  }

  /** Everything that waits is abandoned, so that others get it at once; the next call begins anew. */
  async drain(): Promise<void> {
    this.#collector?.end();
    const current = this.#current;
    this.#current = undefined;
    if (current !== undefined) this.#retire(current);
    const left = [...this.#stopping];
    for (const [one] of left) one.isDrained = true;
    // In this turn: what waits in a later one is for a call that began after it.
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { message } of waiting) this.#leave(message);
    await Promise.all(left.map(([, stopped]) => stopped));
    await this.returned();
  }

  async close(): Promise<void> {
    await this.drain();
    await this.#retired.close();
  }

  protected endCollecting(): boolean {
    const collector = this.#collector;
    collector?.end();
    return collector !== undefined;
  }

  protected async gather(collector: BatchCollector, attempt: Attempt): Promise<ServiceBusReceivedMessage[]> {
    attempt.signal.addEventListener("abort", () => {
      this.#putBack(collector);
    });
    const current = this.#open();
    this.#serve(collector);
    // What is here need not wait for a link that is being opened.
    if (collector.messages.length > 0 && !current.isOpen) return collector.messages;
    await current.opened;
    if (attempt.ended) return [];
    this.#serve(collector);
    if (this.#current !== current) {
      if (collector.messages.length > 0) return collector.messages;
      throw receiverLinkLostError(this.receiving.entityPath);
    }
    this.#collector = collector;
    const error = await collector.collect();
    // After an abort it may be the next call's already.
    if (this.#collector === collector) this.#collector = undefined;
    this.heard(current.link, collector.messages.length);
    if (error !== undefined && collector.messages.length === 0) throw error;
    return collector.messages;
  }

  #serve(collector: BatchCollector): void {
    while (!collector.isOver) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      next.taken();
      // One whose lock was lost here will come again.
      if (leaseOf(next.message)?.lock.lost === undefined) collector.add(next.message);
    }
  }

  /** The caller is gone: the next gets what was for him, first. */
  #putBack(collector: BatchCollector): void {
    if (this.#collector === collector) this.#collector = undefined;
    collector.end();
    this.#waiting.unshift(...collector.messages.map((message) => ({ message, taken: nothing })));
  }

  #open(): Current {
    if (this.#current !== undefined) return this.#current;
    const { connection, resilience } = this.receiving;
    const link = new ReceiverLink(connection, this.#count, resilience.clock, {
      message: (message) => this.#arrived(message, current),
      lost: (error, on) => {
        this.receiving.lost(on);
        this.#retired.lost(on);
        if (this.#current?.link !== on) return;
        this.#current = undefined;
        this.#collector?.end(error);
      },
      settled: (on) => {
        this.#retired.settled(on);
      },
    });
    const current: Current = { link, opened: link.listen(), isOpen: false, isDrained: false, spent: [] };
    this.#current = current;
    current.opened.then(
      () => {
        current.isOpen = true;
      },
      () => {
        if (this.#current === current) this.#current = undefined;
      },
    );
    return current;
  }

  /** The official client asks for the next message when the promise resolves. */
  #arrived(message: ServiceBusReceivedMessage, current: Current): Promise<void> {
    const { link } = current;
    this.receiving.hold(message, link);
    if (current.isDrained) {
      this.#leave(message);
      return new Promise(() => undefined);
    }
    if (link.span >= largestBatch && this.#current === current) this.#replace(current);
    return new Promise((askForAnother) => {
      const taken = (): void => {
        this.#spend(current, askForAnother);
      };
      const collector = this.#collector;
      if (collector?.isOver === false) {
        collector.add(message);
        taken();
      } else this.#waiting.push({ message, taken });
    });
  }

  /** Others are asked for by the half of the count, so that not every message costs a frame of its own. */
  #spend(current: Current, askForAnother: () => void): void {
    current.spent.push(askForAnother);
    if (current.spent.length * 2 < this.#count) return;
    const { spent } = current;
    current.spent = [];
    for (const ask of spent) ask();
  }

  /** Before the engine's buffer fills behind a message that is held (gap 5). */
  #replace(current: Current): void {
    this.#current = undefined;
    this.#retire(current);
    const collector = this.#collector;
    if (collector === undefined) return;
    this.#open().opened.catch((error: unknown) => {
      collector.end(error as Error);
    });
  }

  #retire(current: Current): void {
    const stopped = this.#retired.add(current.link).then(() => {
      this.#stopping.delete(current);
    });
    this.#stopping.set(current, stopped);
  }

  #leave(message: ServiceBusReceivedMessage): void {
    this.giveBack(this.abandon(message).catch(() => undefined));
  }
}

function nothing(): void {
  // Another has come in its place already.
}
