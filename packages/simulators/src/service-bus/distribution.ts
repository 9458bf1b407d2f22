import type { Consumer } from "./consumer.ts";
import type { Departures } from "./departures.ts";
import type { Account } from "./intake.ts";
import type { MessageLocks } from "./lock.ts";
import type { SessionLock } from "./session-lock.ts";
import type { AvailableMessages, StoredMessage } from "./stored-message.ts";

/** Which message goes to which receiver, and when. */
export class Distribution {
  readonly #available: AvailableMessages;
  readonly #locks: MessageLocks;
  readonly #departures: Departures;
  readonly #account: Account;
  readonly #isOpen: () => boolean;
  #consumers: Consumer[] = [];
  #pumping = false;

  /** @param isOpen - false while the entity hands out nothing */
  constructor(
    available: AvailableMessages,
    locks: MessageLocks,
    departures: Departures,
    account: Account,
    isOpen: () => boolean,
  ) {
    this.#available = available;
    this.#locks = locks;
    this.#departures = departures;
    this.#account = account;
    this.#isOpen = isOpen;
  }

  addConsumer(consumer: Consumer): void {
    this.#consumers.push(consumer);
    this.pump();
  }

  removeConsumer(consumer: Consumer): void {
    this.#consumers = this.#consumers.filter((other) => other !== consumer);
  }

  /** Hands out available messages, one at a time to each receiver in turn. */
  pump(): void {
    // A delivery can end in a fault that changes the receivers, which would start a second pump inside this one.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#available.size > 0 && this.#isOpen()) {
        const consumer = this.#consumers.find((candidate) => candidate.credit > 0);
        if (consumer === undefined) return;
        const message = this.#take(this.#available);
        if (message === undefined) return;
        this.removeConsumer(consumer);
        this.#consumers.push(consumer);
        this.#deliver(consumer, message);
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** Hands out the messages of a session to the link that holds it, in order. */
  pumpSession(lock: SessionLock): void {
    const { consumer, session } = lock;
    while (lock.isHeld && consumer !== undefined && consumer.credit > 0 && this.#isOpen()) {
      const message = this.#take(session.available);
      if (message === undefined) return;
      this.#deliver(consumer, message, lock);
    }
  }

  #take(available: AvailableMessages): StoredMessage | undefined {
    for (;;) {
      const message = available.take();
      if (message === undefined || !this.#departures.isExpired(message)) return message;
      this.#departures.expire(message);
    }
  }

  #deliver(consumer: Consumer, message: StoredMessage, session?: SessionLock): void {
    if (!consumer.locks) this.#account.bytes -= message.bytes;
    consumer.deliver(message, consumer.locks ? this.#locks.acquire(message, session) : undefined);
  }
}
