import type { EntityContext } from "./entity.ts";
import type { SessionEntry } from "./journal-entries.ts";
import { Session, SessionLock, type SessionHolder } from "./session-lock.ts";
import type { StoredMessage } from "./stored-message.ts";

/** Why a session lock ended. */
export type SessionEnd = "released" | "expired";

interface Waiter {
  readonly holder: SessionHolder;
  readonly serve: (lock: SessionLock | undefined) => void;
  readonly cancelTimeout: () => void;
}

/** The sessions of one entity. */
export class Sessions {
  readonly #path: string;
  readonly #context: EntityContext;
  readonly #lockDurationMs: () => number;
  readonly #ended: (lock: SessionLock, why: SessionEnd) => void;
  readonly #sessions = new Map<string, Session>();
  /** Sessions that nobody holds and that have messages, in the order in which they came to that. */
  readonly #ready = new Set<Session>();
  readonly #waiting = new Set<Waiter>();

  /** @param ended - called when a lock has ended, before the session can be accepted again */
  constructor(
    path: string,
    context: EntityContext,
    lockDurationMs: () => number,
    ended: (lock: SessionLock, why: SessionEnd) => void,
  ) {
    this.#path = path;
    this.#context = context;
    this.#lockDurationMs = lockDurationMs;
    this.#ended = ended;
  }

  /** Messages that nobody holds. */
  get available(): number {
    let size = 0;
    for (const { available } of this.#sessions.values()) size += available.size;
    return size;
  }

  /** Puts a message in its place; the lock to whose holder it can go at once, if the session is held. */
  add(message: StoredMessage): SessionLock | undefined {
    const session = this.#session(message.content.sessionId ?? "");
    session.available.insert(message);
    session.updatedAt = this.#context.clock.wallNow();
    if (session.lock === undefined) this.#becomesReady(session);
    return session.lock;
  }

  /** Locks a session, whether it has messages or not; undefined when another holds it. */
  accept(id: string, holder: SessionHolder): SessionLock | undefined {
    const session = this.#session(id);
    if (session.lock !== undefined) {
      this.#journal("refused", id, holder);
      return undefined;
    }
    return this.#acquire(session, holder);
  }

  /** Locks the next session that nobody holds and that has messages, if there is one now. */
  acceptNext(holder: SessionHolder): SessionLock | undefined {
    const [session] = this.#ready;
    return session === undefined ? undefined : this.#acquire(session, holder);
  }

  /**
   * Locks the next session as soon as there is one; calls back with undefined when none came within `waitMs`
   * milliseconds. The returned function gives the wait up.
   */
  waitForNext(
    holder: SessionHolder,
    waitMs: number,
    serve: (lock: SessionLock | undefined) => void,
  ): () => void {
    const waiter: Waiter = {
      holder,
      serve,
      cancelTimeout: this.#context.timers.after(waitMs, () => {
        this.#waiting.delete(waiter);
        this.#journal("timed-out", undefined, holder);
        serve(undefined);
      }),
    };
    this.#waiting.add(waiter);
    return () => {
      waiter.cancelTimeout();
      this.#waiting.delete(waiter);
    };
  }

  /** Prolongs a lock by the lock duration from now; undefined when it is not held. */
  renew(id: string, linkName?: string): SessionLock | undefined {
    const lock = this.heldBy(id, linkName);
    if (lock === undefined) return undefined;
    lock.cancelExpiry();
    this.#arm(lock);
    this.#journal("renewed", id, lock.holder, lock.lockedUntil);
    return lock;
  }

  /** The lock on a session; undefined when nobody holds it, or another link than the one named. */
  heldBy(id: string, linkName?: string): SessionLock | undefined {
    const lock = this.#sessions.get(id)?.lock;
    if (linkName !== undefined && lock?.holder.place.linkName !== linkName) return undefined;
    return lock;
  }

  /** Every lock that is held. */
  held(): SessionLock[] {
    return [...this.#sessions.values()].flatMap(({ lock }) => (lock === undefined ? [] : [lock]));
  }

  /** The holder's link has ended. */
  release(lock: SessionLock): void {
    this.#end(lock, "released");
  }

  /** Makes session locks run out now: one session's, or all. The holders' links are detached unless told otherwise. */
  expire(id: string | undefined, detach: boolean): number {
    const locks = this.held().filter(({ session }) => id === undefined || session.id === id);
    for (const lock of locks) {
      this.#end(lock, "expired");
      if (detach) lock.holder.lost();
    }
    return locks.length;
  }

  /** The state of a session, undefined when it has none. */
  stateOf(id: string): Buffer | undefined {
    return this.#sessions.get(id)?.state;
  }

  setState(id: string, state: Buffer | undefined): void {
    const session = this.#session(id);
    session.state = state;
    session.updatedAt = this.#context.clock.wallNow();
    if (session.lock !== undefined) this.#journal("state-set", id, session.lock.holder);
  }

  /** Ids of the sessions with messages, or with a state set since; in order of the ids. */
  list(updatedSince: number | undefined): string[] {
    return [...this.#sessions.values()]
      .filter(({ available, state, lock, updatedAt }) =>
        updatedSince === undefined
          ? available.size > 0 || lock !== undefined
          : state !== undefined && updatedAt >= updatedSince,
      )
      .map(({ id }) => id)
      .sort();
  }

  /** The messages that nobody holds, of one session or of all. */
  messages(id?: string): StoredMessage[] {
    const sessions = id === undefined ? [...this.#sessions.values()] : [this.#sessions.get(id)];
    return sessions.flatMap((session) => session?.available.list() ?? []);
  }

  /** Takes the messages that a predicate picks. */
  extract(picks: (message: StoredMessage) => boolean): StoredMessage[] {
    return [...this.#sessions.values()].flatMap((session) => {
      const extracted = session.available.extract(picks);
      if (session.available.size === 0) this.#ready.delete(session);
      return extracted;
    });
  }

  /** Forgets locks and waits; the entity is gone. */
  end(): void {
    for (const { cancelTimeout } of this.#waiting) cancelTimeout();
    this.#waiting.clear();
    for (const lock of this.held()) lock.cancelExpiry();
    this.#sessions.clear();
    this.#ready.clear();
  }

  #session(id: string): Session {
    const known = this.#sessions.get(id);
    if (known !== undefined) return known;
    const session = new Session(id);
    this.#sessions.set(id, session);
    return session;
  }

  #becomesReady(session: Session): void {
    const [waiter] = this.#waiting;
    if (waiter === undefined) {
      this.#ready.add(session);
      return;
    }
    this.#waiting.delete(waiter);
    waiter.cancelTimeout();
    waiter.serve(this.#acquire(session, waiter.holder));
  }

  #acquire(session: Session, holder: SessionHolder): SessionLock {
    const lock = new SessionLock(session, holder);
    session.lock = lock;
    this.#ready.delete(session);
    this.#arm(lock);
    this.#journal("accepted", session.id, holder, lock.lockedUntil);
    return lock;
  }

  #arm(lock: SessionLock): void {
    const durationMs = this.#lockDurationMs();
    lock.lockedUntil = this.#context.clock.wallNow() + durationMs;
    lock.cancelExpiry = this.#context.timers.after(durationMs, () => {
      this.#end(lock, "expired");
      lock.holder.lost();
    });
  }

  #end(lock: SessionLock, why: SessionEnd): void {
    if (!lock.isHeld) return;
    const { session } = lock;
    lock.cancelExpiry();
    // What is given back must not go to the link that has just lost the session.
    lock.consumer = undefined;
    this.#journal(why, session.id, lock.holder);
    this.#ended(lock, why);
    session.lock = undefined;
    if (session.available.size > 0) this.#becomesReady(session);
    else if (session.state === undefined) this.#sessions.delete(session.id);
  }

  #journal(
    event: SessionEntry["event"],
    sessionId: string | undefined,
    holder: SessionHolder,
    lockedUntil?: number,
  ): void {
    this.#context.ledgers.sessions.add({
      at: this.#context.clock.now(),
      ...holder.place,
      entity: this.#path,
      event,
      sessionId,
      ...(lockedUntil === undefined ? {} : { lockedUntil }),
    });
  }
}
