import type { DeadLetterCause } from "./dead-letter.ts";
import { DuplicateDetection } from "./duplicate-detection.ts";
import type { EntityContext } from "./entity.ts";
import { newLockToken } from "./lock-token.ts";
import type { MessageContent } from "./message-format.ts";
import { ScheduledMessages } from "./scheduled-messages.ts";
import { StoredMessageEntry } from "./stored-entry.ts";
import type { Arrival, StoredMessage } from "./stored-message.ts";

/** Bytes held, shared by an entity and the queues below it. */
export interface Account {
  bytes: number;
}

interface IntakeSettings {
  readonly duplicateDetectionWindowMs?: number;
  readonly defaultTimeToLiveMs: number;
}

/** How messages enter a queue or a topic: duplicates dropped, sequence numbers given, scheduled ones held until due. */
export class Intake {
  readonly #path: string;
  readonly #settings: IntakeSettings;
  readonly #context: EntityContext;
  readonly #account: Account;
  readonly #duplicates: DuplicateDetection;
  readonly #scheduled: ScheduledMessages;
  readonly #ready: (message: StoredMessage, unfit?: DeadLetterCause) => void;
  #nextSequenceNumber = 1;

  /** @param ready - called with each message that has entered, once it is due, and why it cannot be received if it cannot */
  constructor(
    path: string,
    settings: IntakeSettings,
    context: EntityContext,
    account: Account,
    ready: (message: StoredMessage, unfit?: DeadLetterCause) => void,
  ) {
    this.#path = path;
    this.#settings = settings;
    this.#context = context;
    this.#account = account;
    this.#ready = ready;
    this.#duplicates = new DuplicateDetection(
      () => settings.duplicateDetectionWindowMs ?? 0,
      () => context.clock.now(),
    );
    this.#scheduled = new ScheduledMessages(context.timers, (message) => {
      // It joins the queue as if it had been sent now, with a new sequence number.
      message.sequenceNumber = this.#nextSequenceNumber++;
      message.enqueuedAt = context.clock.wallNow();
      message.expiresAt = message.enqueuedAt + this.#timeToLive(message.content);
      ready(message);
    });
  }

  get scheduled(): number {
    return this.#scheduled.size;
  }

  /** Takes a message over; undefined when duplicate detection drops it. A time to come makes it a scheduled message. */
  accept(arrival: Arrival): StoredMessage | undefined {
    const { content, bytes, connection } = arrival;
    const { clock, ledgers } = this.#context;
    const at = clock.now();
    const messageId = arrival.messageId ?? content.messageId ?? newLockToken().toString("hex");
    if (this.#duplicates.isDuplicate(messageId)) {
      ledgers.duplicates.add({ at, entity: this.#path, messageId, connection });
      return undefined;
    }
    const sequenceNumber = this.#nextSequenceNumber++;
    const now = clock.wallNow();
    const message: StoredMessage = {
      messageId,
      bytes,
      content,
      sequenceNumber,
      enqueuedSequenceNumber: arrival.enqueuedSequenceNumber ?? 0,
      enqueuedAt: now,
      expiresAt: now + this.#timeToLive(content),
      state: "active",
      deliveryCount: 0,
      hops: arrival.hops ?? 0,
      connection,
      ...(arrival.deadLetterSource === undefined ? {} : { deadLetterSource: arrival.deadLetterSource }),
    };
    this.#account.bytes += bytes;
    ledgers.stored.add(
      new StoredMessageEntry(
        { at, entity: this.#path, sequenceNumber, messageId, connection, bytes },
        content,
      ),
    );
    const due = content.scheduledEnqueueTime ?? 0;
    if (due > now) this.#scheduled.add(message, due - now);
    else this.#ready(message, arrival.unfit);
    return message;
  }

  /** Takes scheduled messages back before they are due; false, and none is, when one does not exist. */
  cancelScheduled(sequenceNumbers: readonly number[]): boolean {
    const cancelled = this.#scheduled.cancel(sequenceNumbers);
    for (const message of cancelled ?? []) this.#account.bytes -= message.bytes;
    return cancelled !== undefined;
  }

  scheduledMessages(): StoredMessage[] {
    return this.#scheduled.list();
  }

  /** Forgets what is scheduled. */
  end(): void {
    this.#scheduled.clear();
  }

  #timeToLive(content: MessageContent): number {
    return Math.min(content.timeToLiveMs ?? Infinity, this.#settings.defaultTimeToLiveMs);
  }
}
