import type { MessageLock } from "./lock.ts";
import type { StoredMessage } from "./stored-message.ts";

/** A receiver's link, as its queue sees it. */
export interface Consumer {
  /** Deliveries the client allows right now. */
  readonly credit: number;
  /** False in receive-and-delete mode: a message is gone once delivered. */
  readonly locks: boolean;
  deliver(message: StoredMessage, lock: MessageLock | undefined): void;
}
