import type { ServiceBusReceivedMessage, ServiceBusSessionReceiver } from "@azure/service-bus";
import { badOption } from "@holdfast/core";
import { lockOf } from "./lock-signal.ts";

/**
 * Has the lock on a message, or of a session, renewed for `forMs` milliseconds from now on, when that is longer than the
 * receiver's `maxAutoLockRenewalDurationInMs` leaves it: for a handler that finds out how much there is to do. Also after
 * the event `lock-renewal-ended`, while the lock lasts.
 *
 * @returns whether the lock is held; `false` for one that was lost or settled, and for messages without one.
 * @throws HoldfastError `misconfigured`.
 */
export function extendLock(
  locked: ServiceBusReceivedMessage | ServiceBusSessionReceiver,
  forMs: number,
): boolean {
  if (!(forMs > 0)) throw badOption("extendLock.forMs", forMs, "a number of milliseconds above 0");
  const lock = lockOf(locked);
  return lock?.keeper?.prolong(lock, forMs) ?? false;
}
