import type { HubMessage } from "./protocol/messages.ts";

/** A message that has been sent, or waits for room, and is not acknowledged yet. */
export interface KeptMessage {
  readonly sequenceId: number;
  readonly message: HubMessage;
  readonly payload: string | Buffer;
}

/** What to do with a message of types 1 to 5 that arrived. */
export type Arrival = "new" | "repeated" | "unexpected";

/**
 * Stateful reconnect (HubProtocol.md): numbers the messages of types 1 to 5 in both directions, keeps those that the
 * client has not acknowledged, and tells repeated ones from new ones. A sequence message carries the number of the first
 * message that follows it, as the official client reads it.
 */
export class MessageBuffer {
  readonly #limitBytes: number;
  #kept: KeptMessage[] = [];
  #written = 0;
  #keptBytes = 0;
  #total = 0;
  #nextReceived = 1;
  #latestReceived = 0;
  #awaitsSequence = false;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** The number up to which everything has arrived. */
  get latestReceived(): number {
    return this.#latestReceived;
  }

  /** Keeps a message; true when it may be written now, false when it waits for an acknowledgement. */
  keep(message: HubMessage, payload: string | Buffer): boolean {
    this.#total += 1;
    this.#kept.push({ sequenceId: this.#total, message, payload });
    return this.#admit().length > 0;
  }

  /** The client has everything up to a number: returns what has become free to be written. */
  acknowledge(sequenceId: number): KeptMessage[] {
    const index = this.#kept.findIndex((kept) => kept.sequenceId > sequenceId);
    const done = index < 0 ? this.#kept.length : index;
    for (const { payload } of this.#kept.slice(0, Math.min(done, this.#written))) {
      this.#keptBytes -= Buffer.byteLength(payload);
    }
    this.#kept = this.#kept.slice(done);
    this.#written = Math.max(0, this.#written - done);
    return this.#admit();
  }

  /** Classifies a message of types 1 to 5 that arrived. */
  receive(): Arrival {
    if (this.#awaitsSequence) return "unexpected";
    const current = this.#nextReceived;
    this.#nextReceived += 1;
    if (current <= this.#latestReceived) return "repeated";
    this.#latestReceived = current;
    return "new";
  }

  /** The message that arrived last was lost after all: it will be sent again. */
  unreceive(): void {
    this.#nextReceived -= 1;
    this.#latestReceived -= 1;
  }

  /** The client says which number comes next; false when it is one that cannot be. */
  resetSequence(sequenceId: number): boolean {
    this.#awaitsSequence = false;
    if (sequenceId > this.#nextReceived) return false;
    this.#nextReceived = sequenceId;
    return true;
  }

  /** A new transport begins: what to write on it, after a sequence message with this number. */
  resume(): { readonly sequenceId: number; readonly messages: readonly KeptMessage[] } {
    this.#awaitsSequence = true;
    return {
      sequenceId: this.#kept[0]?.sequenceId ?? this.#total + 1,
      messages: this.#kept.slice(0, this.#written),
    };
  }

  /** Takes waiting messages over as written while there is room; the first one always fits. */
  #admit(): KeptMessage[] {
    const from = this.#written;
    for (;;) {
      const next = this.#kept[this.#written];
      if (next === undefined || (this.#keptBytes >= this.#limitBytes && this.#written > 0)) break;
      this.#keptBytes += Buffer.byteLength(next.payload);
      this.#written += 1;
    }
    return this.#kept.slice(from, this.#written);
  }
}
