import type { Consumer } from "./consumer.ts";
import type { Place } from "./journal-entries.ts";
import type { LockKeeper } from "./lock.ts";
import { AvailableMessages } from "./stored-message.ts";

/** The link that has accepted a session, or wants to. */
export interface SessionHolder {
  readonly place: Place;
  /** The lock has run out: the service detaches the link. */
  lost(): void;
}

/** A session of an entity: its messages in order, its state, and who holds it. */
export class Session {
  readonly id: string;
  readonly available = new AvailableMessages();
  /** What clients keep with the session. */
  state: Buffer | undefined;
  /** Milliseconds since the epoch. */
  updatedAt = 0;
  lock: SessionLock | undefined;

  constructor(id: string) {
    this.id = id;
  }
}

/** A session held by one link, until the link ends or the time is up. */
export class SessionLock implements LockKeeper {
  readonly session: Session;
  readonly holder: SessionHolder;
  /** Milliseconds since the epoch. */
  lockedUntil = 0;
  /** Where messages go; undefined until the link is ready. */
  consumer: Consumer | undefined;
  cancelExpiry: () => void = () => undefined;

  constructor(session: Session, holder: SessionHolder) {
    this.session = session;
    this.holder = holder;
  }

  /** False once it has run out or was given up. */
  get isHeld(): boolean {
    return this.session.lock === this;
  }
}
