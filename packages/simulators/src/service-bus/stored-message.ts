import type { DeadLetterCause } from "./dead-letter.ts";
import type { MessageContent } from "./message-format.ts";

/** Where a message is in its life; `x-opt-message-state` on the wire. */
export type MessageState = "active" | "deferred" | "scheduled";

/** A message in the broker's hands. */
export interface StoredMessage {
  readonly messageId: string;
  /** Encoded size as it arrived. */
  readonly bytes: number;
  content: MessageContent;
  sequenceNumber: number;
  /** The sequence number it had in the topic or queue that it came from; 0 when a client sent it here. */
  readonly enqueuedSequenceNumber: number;
  /** Milliseconds since the epoch. */
  enqueuedAt: number;
  /** Milliseconds since the epoch; Infinity when it does not expire. */
  expiresAt: number;
  state: MessageState;
  /** Unsuccessful deliveries so far. */
  deliveryCount: number;
  /** The entity it was dead-lettered from. */
  deadLetterSource?: string;
  /** How often one entity has handed it on to another. */
  readonly hops: number;
  /** The connection of the client that sent it. */
  readonly connection: number;
}

/** A message on its way into an entity: from a client, or handed on by another entity. */
export interface Arrival {
  readonly content: MessageContent;
  /** Encoded size. */
  readonly bytes: number;
  readonly connection: number;
  /** The id it has already; a client's message that brings none gets a new one. */
  readonly messageId?: string;
  readonly hops?: number;
  /** The sequence number it had in the entity that handed it on. */
  readonly enqueuedSequenceNumber?: number;
  readonly deadLetterSource?: string | undefined;
  /** Why it cannot be received and is dead-lettered at once. */
  readonly unfit?: DeadLetterCause;
}

/** Messages ready for delivery, by sequence number. Taking from the front and appending are constant time. */
export class AvailableMessages {
  #items: (StoredMessage | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** Puts a message at its place: the end for a new one, near the front for one that was given back. */
  insert(message: StoredMessage): void {
    const last = this.#items.at(-1);
    if (this.size === 0 || last === undefined || last.sequenceNumber < message.sequenceNumber) {
      this.#items.push(message);
      return;
    }
    let low = this.#head;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#items[middle]?.sequenceNumber ?? 0) < message.sequenceNumber) low = middle + 1;
      else high = middle;
    }
    if (low === this.#head && this.#head > 0) this.#items[--this.#head] = message;
    else this.#items.splice(low, 0, message);
  }

  /** Takes the oldest message. */
  take(): StoredMessage | undefined {
    const message = this.#items[this.#head];
    if (message === undefined) return undefined;
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length || this.#head > 1_024) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return message;
  }

  /** Takes the messages that a predicate picks, wherever they are. */
  extract(picks: (message: StoredMessage) => boolean): StoredMessage[] {
    const extracted: StoredMessage[] = [];
    const kept: StoredMessage[] = [];
    for (const message of this.list()) (picks(message) ? extracted : kept).push(message);
    if (extracted.length > 0) {
      this.#items = kept;
      this.#head = 0;
    }
    return extracted;
  }

  /** The messages, oldest first; a copy. */
  list(): StoredMessage[] {
    return this.#items.slice(this.#head) as StoredMessage[];
  }
}
