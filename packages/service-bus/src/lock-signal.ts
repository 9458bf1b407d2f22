import type { ServiceBusReceivedMessage, ServiceBusSessionReceiver } from "@azure/service-bus";
import { leaseOf } from "./lease.ts";
import type { Lock } from "./lock.ts";

const sessionLocks = new WeakMap<ServiceBusSessionReceiver, Lock>();

/** Remembers the lock of a session. */
export function rememberSessionLock(receiver: ServiceBusSessionReceiver, lock: Lock): void {
  sessionLocks.set(receiver, lock);
}

/**
 * Aborts when the lock on a message, or of a session, is lost: its renewal was refused, it ran out, or the session's link was
 * closed. From then on somebody else may have the message, so a handler should stop having effects; nothing that it settles
 * reaches the service. The reason is the official error (`MessageLockLost` or `SessionLockLost`). For a message without a
 * lock (peeked, received and deleted, or from an official client) it never aborts.
 *
 * ```ts
 * receiver.subscribe({
 *   processMessage: async (message) => { await fetch(url, { signal: lockSignal(message) }); },
 *   processError: async () => {},
 * });
 * ```
 */
export function lockSignal(locked: ServiceBusReceivedMessage | ServiceBusSessionReceiver): AbortSignal {
  return lockOf(locked)?.signal ?? new AbortController().signal;
}

/** The lock of a message or session; undefined where there is none, or none of ours. */
export function lockOf(locked: ServiceBusReceivedMessage | ServiceBusSessionReceiver): Lock | undefined {
  return "sessionLockedUntilUtc" in locked ? sessionLocks.get(locked) : leaseOf(locked)?.lock;
}
