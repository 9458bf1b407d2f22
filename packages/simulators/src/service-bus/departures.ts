import { causes, deadLetterProperties, type DeadLetterCause } from "./dead-letter.ts";
import type { EntityContext } from "./entity.ts";
import type { QueueSettings } from "./entity-options.ts";
import { forward } from "./forwarding.ts";
import type { Account } from "./intake.ts";
import type { DeadLetterEntry } from "./journal-entries.ts";
import type { StoredMessage } from "./stored-message.ts";

/** Where messages go that leave a queue otherwise than by a receiver. */
export interface Exits {
  deadLetters(message: StoredMessage): void;
  transferDeadLetters(message: StoredMessage): void;
  /** False for dead letters themselves: they do not expire and are not forwarded. */
  readonly isEntity: boolean;
}

/** How messages leave a queue without being received: dead-lettered, forwarded, expired. */
export class Departures {
  readonly #path: string;
  readonly #settings: QueueSettings;
  readonly #context: EntityContext;
  readonly #account: Account;
  readonly #exits: Exits;

  constructor(path: string, settings: QueueSettings, context: EntityContext, account: Account, exits: Exits) {
    this.#path = path;
    this.#settings = settings;
    this.#context = context;
    this.#account = account;
    this.#exits = exits;
  }

  /** Moves a message that nobody holds to the dead letters, or to where those are forwarded. */
  deadLetter(message: StoredMessage, cause: DeadLetterCause, by: DeadLetterEntry["by"]): void {
    this.#mark(message, cause);
    const to = this.#exits.isEntity ? this.#settings.forwardDeadLetteredMessagesTo : "";
    this.#context.ledgers.deadLettered.add({
      ...this.#facts(message),
      by,
      ...cause,
      ...(to === "" ? {} : { forwardedTo: to }),
    });
    if (to !== "") this.forward(message, to);
    else this.#exits.deadLetters(message);
  }

  /** Hands a message on; one that cannot be is dead-lettered apart. */
  forward(message: StoredMessage, to: string): void {
    const failure = forward(message, this.#path, to, this.#context);
    if (failure === undefined) {
      this.#account.bytes -= message.bytes;
      return;
    }
    this.#mark(message, failure);
    this.#exits.transferDeadLetters(message);
  }

  isExpired(message: StoredMessage): boolean {
    return this.#exits.isEntity && message.expiresAt <= this.#context.clock.wallNow();
  }

  /** A message has outlived its time to live. */
  expire(message: StoredMessage): void {
    const { deadLetterOnExpiration } = this.#settings;
    this.#context.ledgers.expired.add({ ...this.#facts(message), deadLettered: deadLetterOnExpiration });
    if (deadLetterOnExpiration) this.deadLetter(message, causes.expired, "broker");
    else this.#account.bytes -= message.bytes;
  }

  #mark(message: StoredMessage, { reason, description }: DeadLetterCause): void {
    message.content = message.content.withApplicationProperties(deadLetterProperties(reason, description));
    message.state = "active";
    message.deadLetterSource = this.#path;
  }

  #facts({ sequenceNumber, messageId }: StoredMessage) {
    return { at: this.#context.clock.now(), entity: this.#path, sequenceNumber, messageId };
  }
}
