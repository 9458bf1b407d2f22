import { causes } from "./dead-letter.ts";
import type { Destination, EntityContext } from "./entity.ts";
import type { TopicSettings } from "./entity-options.ts";
import { Intake, type Account } from "./intake.ts";
import type { StoredMessage, Arrival } from "./stored-message.ts";
import type { Subscription } from "./subscription.ts";

/** A topic: every message goes, as a copy, to each subscription whose rules take it. */
export class Topic implements Destination {
  readonly settings: TopicSettings;
  readonly requiresSession = false;
  readonly account: Account = { bytes: 0 };
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #intake: Intake;

  constructor(settings: TopicSettings, context: EntityContext) {
    this.settings = settings;
    this.#intake = new Intake(settings.name, settings, context, this.account, (message) => {
      this.#publish(message);
    });
  }

  get path(): string {
    return this.settings.name;
  }

  /** Bytes held, subscriptions included. */
  get sizeBytes(): number {
    return this.account.bytes;
  }

  /** Messages that are not due yet. */
  get scheduled(): number {
    return this.#intake.scheduled;
  }

  enqueue(arrival: Arrival): StoredMessage | undefined {
    return this.#intake.accept(arrival);
  }

  cancelScheduled(sequenceNumbers: readonly number[]): boolean {
    return this.#intake.cancelScheduled(sequenceNumbers);
  }

  add(subscription: Subscription): void {
    this.#subscriptions.set(subscription.name.toLowerCase(), subscription);
  }

  remove(name: string): void {
    this.#subscriptions.delete(name.toLowerCase());
  }

  subscriptions(): Subscription[] {
    return [...this.#subscriptions.values()];
  }

  /** Ends every timer of its own; the entity is gone. */
  end(): void {
    this.#intake.end();
  }

  #publish(message: StoredMessage): void {
    const { content, messageId, bytes, connection, hops } = message;
    const enqueuedSequenceNumber = message.enqueuedSequenceNumber || message.sequenceNumber;
    this.account.bytes -= bytes;
    const arrival = { content, messageId, bytes, connection, hops, enqueuedSequenceNumber };
    for (const { rules, queue, deadLetterOnFilterError } of this.#subscriptions.values()) {
      const selection = rules.select(content);
      if ("copies" in selection) {
        for (const copy of selection.copies) queue.enqueue({ ...arrival, content: copy });
      } else if (deadLetterOnFilterError) {
        queue.enqueue({ ...arrival, unfit: causes.filterError(selection.rule, selection.failure) });
      }
    }
  }
}
