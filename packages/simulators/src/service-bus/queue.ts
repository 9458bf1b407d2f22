import { Backlog } from "./backlog.ts";
import {
  causes,
  DEAD_LETTER_SUFFIX,
  TRANSFER_DEAD_LETTER_SUFFIX,
  type DeadLetterCause,
} from "./dead-letter.ts";
import { Departures } from "./departures.ts";
import { isReceivable, type Destination, type EntityContext } from "./entity.ts";
import type { QueueSettings } from "./entity-options.ts";
import { Distribution } from "./distribution.ts";
import { ExpiryWatch } from "./expiry-watch.ts";
import { Intake, type Account } from "./intake.ts";
import { MessageLocks, type MessageLock } from "./lock.ts";
import type { LockToken } from "./lock-token.ts";
import type { SessionLock } from "./session-lock.ts";
import { Sessions } from "./sessions.ts";
import { settledEntry } from "./settled-entry.ts";
import type { Release, Settlement } from "./settlement.ts";
import type { Arrival, StoredMessage } from "./stored-message.ts";

/** What a queue is within its entity. A subscription's messages are in a queue too. */
export type QueueRole = "queue" | "subscription" | "dead-letters" | "transfer-dead-letters";

/** Messages that wait to be received: of a queue, of a subscription, or dead letters of either. */
export class MessageQueue implements Destination {
  readonly path: string;
  readonly role: QueueRole;
  readonly settings: QueueSettings;
  /** Undefined for dead letters themselves. */
  readonly deadLetters: MessageQueue | undefined;
  readonly transferDeadLetters: MessageQueue | undefined;
  readonly #context: EntityContext;
  readonly #account: Account;
  readonly #intake: Intake;
  readonly #backlog = new Backlog();
  readonly #locks: MessageLocks;
  readonly #deferred = new Map<number, StoredMessage>();
  readonly #expiry: ExpiryWatch;
  readonly #departures: Departures;
  /** Who receives here. */
  readonly distribution: Distribution;

  constructor(
    path: string,
    role: QueueRole,
    settings: QueueSettings,
    context: EntityContext,
    account: Account = { bytes: 0 },
  ) {
    this.path = path;
    this.role = role;
    this.settings = settings;
    this.#context = context;
    this.#account = account;
    const { clock, timers } = context;
    const lockDurationMs = (): number => settings.lockDurationMs;
    this.#intake = new Intake(path, settings, context, account, (message, unfit) => {
      this.#arrived(message, unfit);
    });
    this.#expiry = new ExpiryWatch(clock, timers, () => {
      this.#sweep();
    });
    this.#locks = new MessageLocks(clock, timers, lockDurationMs, (lock) => {
      this.#journalSettled(lock, { disposition: "lock-expired", via: "broker" });
      this.#failed(lock.message);
    });
    const isEntity = role === "queue" || role === "subscription";
    this.#departures = new Departures(path, settings, context, account, {
      isEntity,
      deadLetters: (message) => {
        (this.deadLetters ?? this).#makeAvailable(message);
      },
      transferDeadLetters: (message) => {
        (this.transferDeadLetters ?? this).#makeAvailable(message);
      },
    });
    this.distribution = new Distribution(
      this.#backlog.available,
      this.#locks,
      this.#departures,
      account,
      () => isReceivable(this),
    );
    if (!isEntity) return;
    const below = (suffix: string, part: QueueRole): MessageQueue =>
      new MessageQueue(`${path}${suffix}`, part, settings, context, account);
    this.deadLetters = below(DEAD_LETTER_SUFFIX, "dead-letters");
    this.transferDeadLetters = below(TRANSFER_DEAD_LETTER_SUFFIX, "transfer-dead-letters");
    if (!settings.requiresSession) return;
    this.#backlog.sessions = new Sessions(path, context, lockDurationMs, (lock, why) => {
      // "Message delivery count" of the service's page on sessions: an expiry counts, a session that is closed does not.
      if (why === "expired") this.#locks.expire(({ keeper }) => keeper === lock);
      else {
        for (const held of this.#locks.extract(({ keeper }) => keeper === lock)) {
          this.#journalSettled(held, { disposition: "released", via: "broker" });
          this.#giveBack(held.message);
        }
      }
    });
  }

  /** Undefined for an entity without sessions. */
  get sessions(): Sessions | undefined {
    return this.#backlog.sessions;
  }

  get requiresSession(): boolean {
    return this.sessions !== undefined;
  }

  /** Messages by state; `active` includes the locked ones, as the service counts them. */
  get counts(): Readonly<Record<"active" | "locked" | "deferred" | "scheduled", number>> {
    const locked = this.#locks.size;
    const active = this.#backlog.size + locked;
    return { active, locked, deferred: this.#deferred.size, scheduled: this.#intake.scheduled };
  }

  /** Bytes held, dead letters included. */
  get sizeBytes(): number {
    return this.#account.bytes;
  }

  /** Takes a message over; undefined when duplicate detection drops it. A time to come makes it a scheduled message. */
  enqueue(arrival: Arrival): StoredMessage | undefined {
    return this.#intake.accept(arrival);
  }

  /** Takes scheduled messages back before they are due; false, and none is, when one does not exist. */
  cancelScheduled(sequenceNumbers: readonly number[]): boolean {
    return this.#intake.cancelScheduled(sequenceNumbers);
  }

  /** Messages from a sequence number on, whatever their state, without locking them; of one session, or all. */
  peek(fromSequenceNumber: number, count: number, sessionId?: string): StoredMessage[] {
    return [
      ...this.#backlog.list(sessionId),
      ...this.#locks.messages(),
      ...this.#deferred.values(),
      ...this.#intake.scheduledMessages(),
    ]
      .filter(
        (message) =>
          message.sequenceNumber >= fromSequenceNumber &&
          !this.#departures.isExpired(message) &&
          (sessionId === undefined || message.content.sessionId === sessionId),
      )
      .sort((a, b) => a.sequenceNumber - b.sequenceNumber)
      .slice(0, count);
  }

  /** Takes deferred messages, locking them unless `locks` is false; undefined when one does not exist. */
  receiveDeferred(
    sequenceNumbers: readonly number[],
    locks: boolean,
    session?: SessionLock,
  ): { message: StoredMessage; lock: MessageLock | undefined }[] | undefined {
    const found = sequenceNumbers.map((sequenceNumber) => this.#deferred.get(sequenceNumber));
    const mayHave = (message: StoredMessage | undefined): message is StoredMessage =>
      message !== undefined && (session === undefined || message.content.sessionId === session.session.id);
    if (!found.every(mayHave)) return undefined;
    return found.map((message) => {
      this.#deferred.delete(message.sequenceNumber);
      if (!locks) this.#account.bytes -= message.bytes;
      return { message, lock: locks ? this.#locks.acquire(message, session) : undefined };
    });
  }

  /** Whether the lock is held, in that session if one is named. */
  holdsLock(token: LockToken, session?: SessionLock): boolean {
    const lock = this.#locks.get(token);
    return lock !== undefined && (session === undefined || lock.keeper === session);
  }

  /** Prolongs a lock; undefined when it is lost. */
  renewLock(token: LockToken): MessageLock | undefined {
    return this.#locks.renew(token);
  }

  /** Makes locks run out now: all of them, or one message's. The messages become available again. */
  expireLocks(messageId?: string): number {
    return this.#locks.expire(({ message }) => messageId === undefined || message.messageId === messageId);
  }

  /** Gives locks to somebody else for a lock duration: their holders have lost them, and nobody gets the messages. */
  stealLocks(messageId?: string): number {
    const stolen = this.#locks.extract(
      ({ message }) => messageId === undefined || message.messageId === messageId,
    );
    for (const lock of stolen) {
      this.#journalSettled(lock, { disposition: "lock-expired", via: "broker" });
      lock.message.deliveryCount += 1;
      this.#locks.acquire(lock.message);
    }
    return stolen.length;
  }

  /** Settles a locked message; false when the lock is lost, and nothing happens then. */
  settle(token: LockToken, settlement: Settlement): boolean {
    const lock = this.#locks.release(token);
    if (lock === undefined) return false;
    const { message } = lock;
    message.content = message.content.withApplicationProperties(settlement.properties ?? []);
    this.#journalSettled(lock, settlement);
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
        this.#departures.deadLetter(message, settlement.cause ?? {}, "client");
        break;
    }
    return true;
  }

  /** Deletes up to `count` messages that nobody holds and that were enqueued before a time; of one session, or all. */
  deleteUnread(count: number, before: number, sessionId?: string): StoredMessage[] {
    let left = count;
    const deleted = this.#backlog.extract(({ enqueuedAt, content }) => {
      const isWanted = sessionId === undefined || content.sessionId === sessionId;
      return isWanted && enqueuedAt < before && left-- > 0;
    });
    for (const { bytes } of deleted) this.#account.bytes -= bytes;
    return deleted;
  }

  /** Hands out available messages, one at a time to each receiver in turn. */
  pump(): void {
    this.distribution.pump();
    for (const lock of this.sessions?.held() ?? []) this.distribution.pumpSession(lock);
  }

  /** Hands on what is there after {@link QueueSettings.forwardTo} was set. */
  forwardAll(): void {
    for (const message of this.#backlog.extract(() => this.settings.forwardTo !== "")) this.#arrived(message);
  }

  /** Ends every timer; the entity is gone. */
  end(): void {
    this.#intake.end();
    this.#expiry.end();
    this.#locks.extract(() => true);
    this.sessions?.end();
    this.deadLetters?.end();
    this.transferDeadLetters?.end();
  }

  #arrived(message: StoredMessage, unfit?: DeadLetterCause): void {
    const { forwardTo } = this.settings;
    const isWithoutSession = this.sessions !== undefined && message.content.sessionId === undefined;
    const cause = unfit ?? (isWithoutSession ? causes.noSession : undefined);
    if (cause !== undefined) this.#departures.deadLetter(message, cause, "broker");
    else if (forwardTo === "") this.#makeAvailable(message);
    else this.#departures.forward(message, forwardTo);
  }

  #sweep(): void {
    const expired = this.#backlog.extract((message) => this.#departures.isExpired(message));
    for (const message of expired) this.#departures.expire(message);
    for (const { expiresAt } of this.#backlog.list()) this.#expiry.expect(expiresAt);
  }

  /** A delivery did not end in a settlement: the message goes back, or to the dead letters when it was the last. */
  #failed(message: StoredMessage): void {
    message.deliveryCount += 1;
    const { maxDeliveryCount } = this.settings;
    if (this.deadLetters === undefined || message.deliveryCount < maxDeliveryCount) this.#giveBack(message);
    else this.#departures.deadLetter(message, causes.tooManyDeliveries(maxDeliveryCount), "broker");
  }

  /** A deferred message that was received and given back is still deferred. */
  #giveBack(message: StoredMessage): void {
    if (message.state === "deferred") this.#deferred.set(message.sequenceNumber, message);
    else this.#makeAvailable(message);
  }

  #makeAvailable(message: StoredMessage): void {
    if (this.deadLetters !== undefined) this.#expiry.expect(message.expiresAt);
    const lock = this.#backlog.add(message);
    if (lock !== undefined) this.distribution.pumpSession(lock);
    else if (this.sessions === undefined) this.distribution.pump();
  }

  #journalSettled(lock: MessageLock, settlement: Settlement | Release): void {
    const { clock, ledgers } = this.#context;
    ledgers.settled.add(settledEntry(clock.now(), this.path, lock, settlement));
  }
}
