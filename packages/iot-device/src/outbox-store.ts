/** What is kept of one message. */
export interface StoredMessage {
  /** Its place in the order; grows, and is never used twice. */
  readonly sequence: number;
  readonly messageId: string;
  /** When it may be dropped, in milliseconds since 1970; Infinity for never. */
  readonly expiresAtMs: number;
  /** Body and properties, for the bound. */
  readonly bytes: number;
  /** The message as `message-codec.ts` writes it. */
  readonly content: Uint8Array;
}

/** Everything but the content, which may stay on the disk. */
export type StoredEntry = Omit<StoredMessage, "content">;

/** What an earlier process left. */
export interface LeftBehind {
  /** In their order. */
  readonly entries: readonly StoredEntry[];
  /** What was found damaged, in words; what is readable is in `entries`. Empty when all is well. */
  readonly damage: readonly string[];
}

/** Where an outbox keeps its messages. One outbox uses a store at a time; calls may overlap. */
export interface OutboxStore {
  /** Called once, before anything else. */
  open(): Promise<LeftBehind>;
  /** Resolves when all of them are as safe as the store makes them. */
  append(messages: readonly StoredMessage[]): Promise<void>;
  /** The contents, in the order asked for; undefined for what cannot be read. */
  read(sequences: readonly number[]): Promise<readonly (Uint8Array | undefined)[]>;
  remove(sequences: readonly number[]): Promise<void>;
  close(): Promise<void>;
}

/** In memory: as safe as the process. */
export class MemoryOutboxStore implements OutboxStore {
  readonly #contents = new Map<number, Uint8Array>();

  open(): Promise<LeftBehind> {
    return Promise.resolve({ entries: [], damage: [] });
  }

  append(messages: readonly StoredMessage[]): Promise<void> {
    for (const { sequence, content } of messages) this.#contents.set(sequence, content);
    return Promise.resolve();
  }

  read(sequences: readonly number[]): Promise<readonly (Uint8Array | undefined)[]> {
    return Promise.resolve(sequences.map((sequence) => this.#contents.get(sequence)));
  }

  remove(sequences: readonly number[]): Promise<void> {
    for (const sequence of sequences) this.#contents.delete(sequence);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
