import type { StoredEntry } from "./journal-entries.ts";
import type { MessageContent } from "./message-format.ts";

type Facts = Pick<StoredEntry, "at" | "entity" | "sequenceNumber" | "messageId" | "connection" | "bytes">;

/** A journal entry that decodes the message when somebody looks: most entries are only counted. */
export class StoredMessageEntry implements StoredEntry {
  readonly at: number;
  readonly entity: string;
  readonly sequenceNumber: number;
  readonly messageId: string;
  readonly connection: number;
  readonly bytes: number;
  readonly #content: MessageContent;

  constructor(facts: Facts, content: MessageContent) {
    this.at = facts.at;
    this.entity = facts.entity;
    this.sequenceNumber = facts.sequenceNumber;
    this.messageId = facts.messageId;
    this.connection = facts.connection;
    this.bytes = facts.bytes;
    this.#content = content;
  }

  get body(): unknown {
    return this.#content.body;
  }

  get bodyBytes(): Uint8Array | undefined {
    return this.#content.bodyBytes;
  }

  get applicationProperties(): Readonly<Record<string, unknown>> {
    return this.#content.applicationPropertyValues;
  }

  get sessionId(): string | undefined {
    return this.#content.sessionId;
  }

  get partitionKey(): string | undefined {
    return this.#content.partitionKey;
  }

  get subject(): string | undefined {
    return this.#content.subject;
  }

  get correlationId(): string | undefined {
    return this.#content.correlationId;
  }
}
