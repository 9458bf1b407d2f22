import type { SimulatorClock, Timers } from "../clock.ts";
import { newLockToken, type LockToken } from "./lock-token.ts";
import type { StoredMessage } from "./stored-message.ts";

/** Something else that keeps messages locked: a session. Their locks last as long as it does. */
export interface LockKeeper {
  readonly lockedUntil: number;
}

/** A message held by one receiver until it settles or the time is up. */
export interface MessageLock {
  readonly token: LockToken;
  readonly message: StoredMessage;
  /** Milliseconds since the epoch. */
  readonly lockedUntil: number;
  /** The session it was received in, if any. */
  readonly keeper: LockKeeper | undefined;
}

class HeldLock implements MessageLock {
  readonly token = newLockToken();
  readonly message: StoredMessage;
  readonly keeper: LockKeeper | undefined;
  until = 0;
  cancelExpiry: () => void = () => undefined;

  constructor(message: StoredMessage, keeper: LockKeeper | undefined) {
    this.message = message;
    this.keeper = keeper;
  }

  get lockedUntil(): number {
    return this.keeper?.lockedUntil ?? this.until;
  }
}

/** The locks of one queue. */
export class MessageLocks {
  readonly #held = new Map<string, HeldLock>();
  readonly #clock: SimulatorClock;
  readonly #timers: Timers;
  readonly #durationMs: () => number;
  readonly #expired: (lock: MessageLock) => void;

  /** @param expired - called when a lock runs out; it is gone by then */
  constructor(
    clock: SimulatorClock,
    timers: Timers,
    durationMs: () => number,
    expired: (lock: MessageLock) => void,
  ) {
    this.#clock = clock;
    this.#timers = timers;
    this.#durationMs = durationMs;
    this.#expired = expired;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Locks a message for the entity's lock duration, or for as long as the keeper lasts. */
  acquire(message: StoredMessage, keeper?: LockKeeper): MessageLock {
    const lock = new HeldLock(message, keeper);
    this.#held.set(lock.token.toString("hex"), lock);
    if (keeper === undefined) this.#arm(lock);
    return lock;
  }

  get(token: LockToken): MessageLock | undefined {
    return this.#held.get(token.toString("hex"));
  }

  /** Prolongs a lock by the queue's lock duration from now; undefined when it is not held. */
  renew(token: LockToken): MessageLock | undefined {
    const lock = this.#held.get(token.toString("hex"));
    if (lock === undefined) return undefined;
    lock.cancelExpiry();
    if (lock.keeper === undefined) this.#arm(lock);
    return lock;
  }

  /** Ends a lock; undefined when it was not held (any more). */
  release(token: LockToken): MessageLock | undefined {
    const key = token.toString("hex");
    const lock = this.#held.get(key);
    if (lock === undefined) return undefined;
    lock.cancelExpiry();
    this.#held.delete(key);
    return lock;
  }

  /** The messages that are locked. */
  messages(): StoredMessage[] {
    return [...this.#held.values()].map((lock) => lock.message);
  }

  /** Ends some locks and gives them out. */
  extract(picks: (lock: MessageLock) => boolean): MessageLock[] {
    const locks = [...this.#held.values()].filter(picks);
    for (const lock of locks) this.release(lock.token);
    return locks;
  }

  /** Makes some locks run out now; how many that were. */
  expire(picks: (lock: MessageLock) => boolean): number {
    const locks = this.extract(picks);
    for (const lock of locks) this.#expired(lock);
    return locks.length;
  }

  #arm(lock: HeldLock): void {
    const durationMs = this.#durationMs();
    lock.until = this.#clock.wallNow() + durationMs;
    lock.cancelExpiry = this.#timers.after(durationMs, () => {
      this.#held.delete(lock.token.toString("hex"));
      this.#expired(lock);
    });
  }
}
