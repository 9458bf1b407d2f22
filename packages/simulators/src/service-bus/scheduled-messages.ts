import type { Timers } from "../clock.ts";
import type { StoredMessage } from "./stored-message.ts";

interface Scheduled {
  readonly message: StoredMessage;
  readonly cancel: () => void;
}

/** The messages of a queue that are taken over but not due yet, by sequence number. */
export class ScheduledMessages {
  readonly #waiting = new Map<number, Scheduled>();
  readonly #timers: Timers;
  readonly #due: (message: StoredMessage) => void;

  /** @param due - called when a message's time has come; it is no longer scheduled by then */
  constructor(timers: Timers, due: (message: StoredMessage) => void) {
    this.#timers = timers;
    this.#due = due;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Keeps a message for `delayMs` milliseconds. */
  add(message: StoredMessage, delayMs: number): void {
    const { sequenceNumber } = message;
    message.state = "scheduled";
    const cancel = this.#timers.after(delayMs, () => {
      this.#waiting.delete(sequenceNumber);
      message.state = "active";
      this.#due(message);
    });
    this.#waiting.set(sequenceNumber, { message, cancel });
  }

  /** Takes messages back; undefined, and none is taken, when one is not scheduled. */
  cancel(sequenceNumbers: readonly number[]): StoredMessage[] | undefined {
    const found = sequenceNumbers.map((sequenceNumber) => this.#waiting.get(sequenceNumber));
    if (!found.every((scheduled) => scheduled !== undefined)) return undefined;
    for (const { cancel, message } of found) {
      cancel();
      this.#waiting.delete(message.sequenceNumber);
    }
    return found.map(({ message }) => message);
  }

  /** Forgets all of them. */
  clear(): void {
    for (const { cancel } of this.#waiting.values()) cancel();
    this.#waiting.clear();
  }

  list(): StoredMessage[] {
    return [...this.#waiting.values()].map(({ message }) => message);
  }
}
