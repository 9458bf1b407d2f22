import type { SimulatorClock, Timers } from "../clock.ts";
import { newLockToken, type LockToken } from "./lock-token.ts";
import type { StoredMessage } from "./stored-message.ts";

/** A message held by one receiver until it settles or the time is up. */
export interface MessageLock {
  readonly token: LockToken;
  readonly message: StoredMessage;
  /** Milliseconds since the epoch. */
  lockedUntil: number;
}

interface HeldLock extends MessageLock {
  cancelExpiry: () => void;
}

/** The locks of one queue. */
export class MessageLocks {
  readonly #held = new Map<string, HeldLock>();
  readonly #clock: SimulatorClock;
  readonly #timers: Timers;
  readonly #durationMs: number;
  readonly #expired: (lock: MessageLock) => void;

  /** @param expired - called when a lock runs out; it is gone by then */
  constructor(
    clock: SimulatorClock,
    timers: Timers,
    durationMs: number,
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

  acquire(message: StoredMessage): MessageLock {
    const token = newLockToken();
    const lock: HeldLock = { token, message, lockedUntil: 0, cancelExpiry: () => undefined };
    this.#held.set(token.toString("hex"), lock);
    this.#arm(lock);
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
    this.#arm(lock);
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

  /** Makes the locks on some messages run out now; how many that were. */
  expire(concerns: (message: StoredMessage) => boolean): number {
    const locks = [...this.#held.values()].filter(({ message }) => concerns(message));
    for (const lock of locks) {
      this.release(lock.token);
      this.#expired(lock);
    }
    return locks.length;
  }

  #arm(lock: HeldLock): void {
    lock.lockedUntil = this.#clock.wallNow() + this.#durationMs;
    lock.cancelExpiry = this.#timers.after(this.#durationMs, () => {
      this.#held.delete(lock.token.toString("hex"));
      this.#expired(lock);
    });
  }
}
