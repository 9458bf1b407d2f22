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
