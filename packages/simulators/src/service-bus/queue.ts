import type { SimulatorClock, Timers } from "../clock.ts";
import type { TypedPairs } from "./amqp-types.ts";
import { DEAD_LETTER_SUFFIX, expired, tooManyDeliveries } from "./dead-letter.ts";
import type { Consumer } from "./consumer.ts";
import { DuplicateDetection } from "./duplicate-detection.ts";
import type { JournalLedgers } from "./journal.ts";
import type { Disposition, SettledEntry } from "./journal-entries.ts";
import { MessageLocks, type MessageLock } from "./lock.ts";
import { lockTokenText, newLockToken, type LockToken } from "./lock-token.ts";
import type { MessageContent } from "./message-format.ts";
import type { QueueSettings } from "./options.ts";
import { ScheduledMessages } from "./scheduled-messages.ts";
import type { Settlement } from "./settlement.ts";
import { StoredMessageEntry } from "./stored-entry.ts";
import { AvailableMessages, type StoredMessage } from "./stored-message.ts";

/** What a queue needs of its surroundings. */
export interface QueueContext {
  readonly clock: SimulatorClock;
  readonly timers: Timers;
  readonly ledgers: JournalLedgers;
}

/** Bytes held, shared by a queue and its dead-letter queue. */
interface Account {
  bytes: number;
}

/** A queue: the message store of one entity, or of its dead-letter queue. */
export class MessageQueue {
  readonly path: string;
  readonly settings: QueueSettings;
  /** Undefined for a dead-letter queue itself. */
  readonly deadLetters: MessageQueue | undefined;
  disabled: boolean;
  readonly #context: QueueContext;
  readonly #account: Account;
  readonly #available = new AvailableMessages();
  readonly #locks: MessageLocks;
  readonly #deferred = new Map<number, StoredMessage>();
  readonly #scheduled: ScheduledMessages;
  readonly #duplicates: DuplicateDetection;
  #consumers: Consumer[] = [];
  #nextSequenceNumber = 1;
  #pumping = false;

  constructor(settings: QueueSettings, context: QueueContext, parent?: { path: string; account: Account }) {
    this.path = parent === undefined ? settings.name : `${parent.path}${DEAD_LETTER_SUFFIX}`;
    this.settings = settings;
    this.disabled = settings.disabled;
    this.#context = context;
    this.#account = parent?.account ?? { bytes: 0 };
    this.#duplicates = new DuplicateDetection(settings.duplicateDetectionWindowMs, () => context.clock.now());
    this.#scheduled = new ScheduledMessages(context.timers, (message) => {
      // It joins the queue as if it had been sent now, with a new sequence number.
      message.sequenceNumber = this.#nextSequenceNumber++;
      message.enqueuedAt = context.clock.wallNow();
      message.expiresAt = message.enqueuedAt + this.#timeToLive(message.content);
      this.#makeAvailable(message);
    });
    this.#locks = new MessageLocks(context.clock, context.timers, settings.lockDurationMs, (lock) => {
      this.#journalSettled(lock, "lock-expired", "broker", undefined);
      this.#failed(lock.message);
    });
    this.deadLetters =
      parent === undefined
        ? new MessageQueue(settings, context, { path: this.path, account: this.#account })
        : undefined;
  }

  /** Messages by state; `active` includes the locked ones, as the service counts them. */
  get counts(): Readonly<Record<"active" | "locked" | "deferred" | "scheduled", number>> {
    const locked = this.#locks.size;
    const active = this.#available.size + locked;
    return { active, locked, deferred: this.#deferred.size, scheduled: this.#scheduled.size };
  }

  /** Bytes held, dead letters included. */
  get sizeBytes(): number {
    return this.#account.bytes;
  }

  /** Takes a message over; false when duplicate detection drops it. A time to come makes it a scheduled message. */
  enqueue(
    content: MessageContent,
    bytes: number,
    connection: number,
  ): { sequenceNumber: number } | undefined {
    const { clock, ledgers } = this.#context;
    const at = clock.now();
    const messageId = content.messageId ?? newLockToken().toString("hex");
    if (this.#duplicates.isDuplicate(messageId)) {
      ledgers.duplicates.add({ at, entity: this.path, messageId, connection });
      return undefined;
    }
    const sequenceNumber = this.#nextSequenceNumber++;
    const now = clock.wallNow();
    const message: StoredMessage = {
      messageId,
      bytes,
      content,
      sequenceNumber,
      enqueuedSequenceNumber: sequenceNumber,
      enqueuedAt: now,
      expiresAt: now + this.#timeToLive(content),
      state: "active",
      deliveryCount: 0,
    };
    this.#account.bytes += bytes;
    ledgers.stored.add(
      new StoredMessageEntry(
        { at, entity: this.path, sequenceNumber, messageId, connection, bytes },
        content,
      ),
    );
    const due = content.scheduledEnqueueTime ?? 0;
    if (due > now) this.#scheduled.add(message, due - now);
    else this.#makeAvailable(message);
    return { sequenceNumber };
  }

  /** Takes scheduled messages back before they are due; false, and none is, when one does not exist. */
  cancelScheduled(sequenceNumbers: readonly number[]): boolean {
    const cancelled = this.#scheduled.cancel(sequenceNumbers);
    for (const message of cancelled ?? []) this.#account.bytes -= message.bytes;
    return cancelled !== undefined;
  }

  /** Messages from a sequence number on, whatever their state, without locking them. */
  peek(fromSequenceNumber: number, count: number): StoredMessage[] {
    return [
      ...this.#available.list(),
      ...this.#locks.messages(),
      ...this.#deferred.values(),
      ...this.#scheduled.list(),
    ]
      .filter((message) => message.sequenceNumber >= fromSequenceNumber && !this.#isExpired(message))
      .sort((a, b) => a.sequenceNumber - b.sequenceNumber)
      .slice(0, count);
  }

  /** Takes deferred messages, locking them unless `locks` is false; undefined when one does not exist. */
  receiveDeferred(
    sequenceNumbers: readonly number[],
    locks: boolean,
  ): { message: StoredMessage; lock: MessageLock | undefined }[] | undefined {
    if (!sequenceNumbers.every((sequenceNumber) => this.#deferred.has(sequenceNumber))) return undefined;
    return sequenceNumbers.flatMap((sequenceNumber) => {
      const message = this.#deferred.get(sequenceNumber);
      if (message === undefined) return [];
      this.#deferred.delete(sequenceNumber);
      if (!locks) this.#account.bytes -= message.bytes;
      return [{ message, lock: locks ? this.#locks.acquire(message) : undefined }];
    });
  }

  addConsumer(consumer: Consumer): void {
    this.#consumers.push(consumer);
    this.pump();
  }

  removeConsumer(consumer: Consumer): void {
    this.#consumers = this.#consumers.filter((other) => other !== consumer);
  }

  /** Whether the lock is held. */
  holdsLock(token: LockToken): boolean {
    return this.#locks.get(token) !== undefined;
  }

  /** Prolongs a lock; the new end in milliseconds since the epoch, or undefined when it is lost. */
  renewLock(token: LockToken): number | undefined {
    return this.#locks.renew(token)?.lockedUntil;
  }

  /** Makes locks run out now: all of them, or one message's. The messages become available again. */
  expireLocks(messageId?: string): number {
    return this.#locks.expire((message) => messageId === undefined || message.messageId === messageId);
  }

  /** Settles a locked message; false when the lock is lost, and nothing happens then. */
  settle(token: LockToken, settlement: Settlement): boolean {
    const lock = this.#locks.release(token);
    if (lock === undefined) return false;
    const { message } = lock;
    message.content = message.content.withApplicationProperties(settlement.properties ?? []);
    this.#journalSettled(lock, settlement.disposition, settlement.via, settlement.connection);
    switch (settlement.disposition) {
      case "completed":
        this.#account.bytes -= message.bytes;
        break;
      case "abandoned":
        this.#failed(message);
        break;
      case "released":
        // AMQP 3.4.4: a released message was not acquired, its delivery count does not change.
        this.#giveBack(message);
        break;
      case "deferred":
        message.state = "deferred";
        message.deliveryCount += 1;
        this.#deferred.set(message.sequenceNumber, message);
        break;
      case "dead-lettered":
        this.#deadLetter(message);
        break;
    }
    return true;
  }

  /** Hands out available messages, one at a time to each receiver in turn. */
  pump(): void {
    // A delivery can end in a fault that changes the receivers, which would start a second pump inside this one.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#available.size > 0 && !this.disabled) {
        const consumer = this.#consumers.find((candidate) => candidate.credit > 0);
        if (consumer === undefined) return;
        const message = this.#takeUnexpired();
        if (message === undefined) return;
        this.removeConsumer(consumer);
        this.#consumers.push(consumer);
        if (!consumer.locks) this.#account.bytes -= message.bytes;
        consumer.deliver(message, consumer.locks ? this.#locks.acquire(message) : undefined);
      }
    } finally {
      this.#pumping = false;
    }
  }

  #timeToLive(content: MessageContent): number {
    return Math.min(content.timeToLiveMs ?? Infinity, this.settings.defaultTimeToLiveMs);
  }

  #isExpired(message: StoredMessage): boolean {
    // Dead letters do not expire.
    return this.deadLetters !== undefined && message.expiresAt <= this.#context.clock.wallNow();
  }

  #takeUnexpired(): StoredMessage | undefined {
    for (;;) {
      const message = this.#available.take();
      if (message === undefined || !this.#isExpired(message)) return message;
      if (this.settings.deadLetterOnExpiration) {
        this.#deadLetter(message, expired());
      } else {
        this.#account.bytes -= message.bytes;
      }
    }
  }

  /** A delivery did not end in a settlement: the message goes back, or to the dead letters when it was the last. */
  #failed(message: StoredMessage): void {
    message.deliveryCount += 1;
    if (this.deadLetters === undefined || message.deliveryCount < this.settings.maxDeliveryCount) {
      this.#giveBack(message);
      return;
    }
    this.#deadLetter(message, tooManyDeliveries(this.settings.maxDeliveryCount));
  }

  /** A deferred message that was received and given back is still deferred. */
  #giveBack(message: StoredMessage): void {
    if (message.state === "deferred") this.#deferred.set(message.sequenceNumber, message);
    else this.#makeAvailable(message);
  }

  #deadLetter(message: StoredMessage, why: TypedPairs = []): void {
    message.content = message.content.withApplicationProperties(why);
    message.state = "active";
    message.deadLetterSource = this.path;
    (this.deadLetters ?? this).#makeAvailable(message);
  }

  #makeAvailable(message: StoredMessage): void {
    this.#available.insert(message);
    this.pump();
  }

  #journalSettled(
    { message, token }: MessageLock,
    disposition: Disposition,
    via: SettledEntry["via"],
    connection: number | undefined,
  ): void {
    this.#context.ledgers.settled.add({
      at: this.#context.clock.now(),
      entity: this.path,
      sequenceNumber: message.sequenceNumber,
      messageId: message.messageId,
      lockToken: lockTokenText(token),
      disposition,
      via,
      connection,
    });
  }
}
