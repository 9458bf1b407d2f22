import type { Broker } from "./broker.ts";
import { conditions } from "./conditions.ts";
import type { MessageQueue } from "./queue.ts";
import { texts, trackedError } from "./texts.ts";

/** A queue as a test sees it from outside: counts, and the things an operator does to a queue. */
export class QueueControl {
  readonly #broker: Broker;
  readonly #queue: MessageQueue;

  /** @internal */
  constructor(broker: Broker, queue: MessageQueue) {
    this.#broker = broker;
    this.#queue = queue;
  }

  get path(): string {
    return this.#queue.path;
  }

  /** Messages that can be received or are locked, as the service counts them. */
  get activeMessages(): number {
    return this.#queue.counts.active;
  }

  get lockedMessages(): number {
    return this.#queue.counts.locked;
  }

  get deferredMessages(): number {
    return this.#queue.counts.deferred;
  }

  get scheduledMessages(): number {
    return this.#queue.counts.scheduled;
  }

  /** Messages in the dead-letter queue. */
  get deadLetterMessages(): number {
    return this.#queue.deadLetters?.counts.active ?? 0;
  }

  /** Bytes held, dead letters included. */
  get sizeBytes(): number {
    return this.#queue.sizeBytes;
  }

  /** Disables the queue: its links are detached and new ones refused with `com.microsoft:entity-disabled`. */
  disable(): void {
    this.#queue.disabled = true;
    const path = this.#queue.path.toLowerCase();
    for (const connection of [...this.#broker.connections]) {
      for (const link of [...connection.links]) {
        if (link.entity.toLowerCase() !== path) continue;
        const text = texts.entityDisabled(this.#broker.resource(path));
        link.detach(trackedError(conditions.entityDisabled, text, this.#broker.tracking(path)));
      }
    }
  }

  /** Enables the queue again. */
  enable(): void {
    this.#queue.disabled = false;
    this.#queue.pump();
  }

  /** Makes message locks run out now. @param messageId - only this message's @returns how many were held */
  expireLocks(messageId?: string): number {
    return this.#queue.expireLocks(messageId);
  }
}
