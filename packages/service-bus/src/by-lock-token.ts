import type { ServiceBusReceivedMessage } from "@azure/service-bus";

/**
 * A stand-in for a message that the official client settles by its lock token at the `$management` node, as it does with
 * messages that were deferred: those came by no link. With the message itself it insists on the link for as long as it knows
 * it, and after a refusal there, which may have been for the moment, on the message having been settled. `delivery` is not
 * public: a test fails when a version changes it.
 */
export function byLockToken(message: ServiceBusReceivedMessage): ServiceBusReceivedMessage {
  return Object.create(message, { delivery: { value: {} } }) as ServiceBusReceivedMessage;
}

/**
 * As {@link byLockToken}, in an entity without sessions. Messages may have a session's id there too, as senders like it, and
 * the service refuses a settlement that names one.
 */
export function byLockTokenAlone(message: ServiceBusReceivedMessage): ServiceBusReceivedMessage {
  const unnamed = { delivery: { value: {} }, sessionId: { value: undefined } };
  return Object.create(message, unnamed) as ServiceBusReceivedMessage;
}
