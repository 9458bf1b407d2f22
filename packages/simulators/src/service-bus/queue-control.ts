import type { Broker } from "./broker.ts";
import type { EntityStatus } from "./entity-options.ts";
import type { MessageQueue } from "./queue.ts";

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

  /** Messages that could not be handed on, in `…/$Transfer/$DeadLetterQueue`. */
  get transferDeadLetterMessages(): number {
    return this.#queue.transferDeadLetters?.counts.active ?? 0;
  }

  /** Messages in the dead-letter queue. */
  get deadLetterMessages(): number {
    return this.#queue.deadLetters?.counts.active ?? 0;
  }

  /** Bytes held, dead letters included. */
  get sizeBytes(): number {
    return this.#queue.sizeBytes;
  }

  /** Deletes the entity with what is below it: its links are detached and new ones refused with `amqp:not-found`. */
  delete(): void {
    this.#broker.deleteEntity(this.#queue.path);
  }

  /** Deletes every message that could be received and that nobody holds. @returns how many */
  purge(): number {
    return this.#queue.deleteUnread(Infinity, Infinity).length;
  }

  get status(): EntityStatus {
    return this.#queue.settings.status;
  }

  /**
   * Lets clients send, receive, both or neither. The links of those who may not any more are detached and new ones
   * refused with `com.microsoft:entity-disabled`.
   */
  setStatus(status: EntityStatus): void {
    this.#broker.setStatus(this.#queue.path, status);
  }

  /** Disables the queue: its links are detached and new ones refused with `com.microsoft:entity-disabled`. */
  disable(): void {
    this.setStatus("Disabled");
  }

  /** Enables the queue again. */
  enable(): void {
    this.setStatus("Active");
  }

  /** Makes message locks run out now. @param messageId - only this message's @returns how many were held */
  expireLocks(messageId?: string): number {
    return this.#queue.expireLocks(messageId);
  }

  /**
   * Takes message locks from their holders as if another receiver had them: the messages come back only after a lock
   * duration. @param messageId - only this message's @returns how many were held
   */
  stealLocks(messageId?: string): number {
    return this.#queue.stealLocks(messageId);
  }

  /**
   * Makes the live receivers of this queue deaf: they stay attached and get nothing. Receivers attached later hear.
   * @param isDeaf - false ends it
   * @returns how many there are
   */
  deafenReceivers(isDeaf = true): number {
    const path = this.#queue.path.toLowerCase();
    const receivers = this.#broker
      .linksOf(path)
      .filter(({ role, entity }) => role === "receive" && entity.toLowerCase() === path);
    for (const link of receivers) link.isDeaf = isDeaf;
    if (!isDeaf) this.#queue.pump();
    return receivers.length;
  }

  /** Ids of the sessions that have messages or are held; empty for a queue without sessions. */
  get sessions(): string[] {
    return this.#queue.sessions?.list(undefined) ?? [];
  }

  /** Ids of the sessions that are held by a link. */
  get heldSessions(): string[] {
    return (this.#queue.sessions?.held() ?? []).map(({ session }) => session.id);
  }

  /**
   * Makes session locks run out now; the messages received in them become available again.
   * @param sessionId - only this session's
   * @param options - `detach`: whether the holder's link is detached with `com.microsoft:session-lock-lost`, as the service does. Default true.
   * @returns how many were held
   */
  expireSessionLocks(sessionId?: string, { detach = true }: { detach?: boolean } = {}): number {
    return this.#queue.sessions?.expire(sessionId, detach) ?? 0;
  }
}
