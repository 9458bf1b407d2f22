import type { SessionLock } from "./session-lock.ts";
import type { Sessions } from "./sessions.ts";
import { AvailableMessages, type StoredMessage } from "./stored-message.ts";

/** The messages that can be received now: in one line, or in one line for each session. */
export class Backlog {
  readonly available = new AvailableMessages();
  /** Undefined for an entity without sessions. */
  sessions: Sessions | undefined;

  get size(): number {
    return this.available.size + (this.sessions?.available ?? 0);
  }

  /** Puts a message at its place; the lock to whose holder it can go at once, if its session is held. */
  add(message: StoredMessage): SessionLock | undefined {
    if (this.sessions !== undefined) return this.sessions.add(message);
    this.available.insert(message);
    return undefined;
  }

  /** The messages, of one session or all. */
  list(sessionId?: string): StoredMessage[] {
    return this.sessions?.messages(sessionId) ?? this.available.list();
  }

  /** Takes the messages that a predicate picks. */
  extract(picks: (message: StoredMessage) => boolean): StoredMessage[] {
    return this.sessions?.extract(picks) ?? this.available.extract(picks);
  }
}
