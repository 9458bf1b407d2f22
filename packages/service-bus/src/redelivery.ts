import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import { derivedId } from "./derived-id.ts";
import { copyOf } from "./message-copy.ts";
import type { SingleMessage } from "./message-key.ts";

/** Application properties of a scheduled copy. */
export const redeliveryProperties = {
  /** The id that the message had before its first copy. */
  originalId: "holdfast-original-message-id",
  /** The sequence number that the message had before its first copy. */
  originalSequenceNumber: "holdfast-original-sequence-number",
  /** When the service stored the message before its first copy. */
  originalEnqueuedTime: "holdfast-original-enqueued-time",
  /** Deliveries of the copies before this one. */
  deliveries: "holdfast-deliveries",
  /** Which copy this is, from 1. */
  copy: "holdfast-copy",
} as const;

/** Which delivery of a message this is, from 1; those of the copies before it included. */
export function deliveryOf(message: ServiceBusReceivedMessage): number {
  // The header counts unsuccessful deliveries before this one (AMQP 3.2.1): 0 at first.
  return countOf(message, redeliveryProperties.deliveries) + (message.deliveryCount ?? 0) + 1;
}

/**
 * Which message of its entity this is, or is a copy of: sequence number and time, as an entity that is made anew counts from
 * 1 again. After a crash between the storing of a copy and the completion of its original both come, and one is enough.
 */
export function originOf(message: ServiceBusReceivedMessage): string {
  return Object.values(originProperties(message)).join("@");
}

function originProperties(message: ServiceBusReceivedMessage): Record<string, string> {
  const { applicationProperties: properties, enqueuedTimeUtc, sequenceNumber } = message;
  const { originalSequenceNumber: number, originalEnqueuedTime: time } = redeliveryProperties;
  const original = properties?.[number];
  return typeof original === "string"
    ? { [number]: original, [time]: String(properties?.[time]) }
    : { [number]: String(sequenceNumber), [time]: String(enqueuedTimeUtc?.toISOString()) };
}

/** The copy of a failed message that comes again at `at`: the same whenever it is made, so that it is stored once. */
export async function copyForLater(message: ServiceBusReceivedMessage, at: Date): Promise<SingleMessage> {
  const { applicationProperties, expiresAtUtc, messageId, sequenceNumber, timeToLive } = message;
  const copy = countOf(message, redeliveryProperties.copy) + 1;
  const originalId = applicationProperties?.[redeliveryProperties.originalId] ?? messageId;
  return copyOf(message, {
    messageId: await derivedId(messageId, sequenceNumber, copy),
    applicationProperties: {
      ...(originalId === undefined ? {} : { [redeliveryProperties.originalId]: String(originalId) }),
      ...originProperties(message),
      [redeliveryProperties.deliveries]: deliveryOf(message),
      [redeliveryProperties.copy]: copy,
    },
    scheduledEnqueueTimeUtc: at,
    // It lives no longer than the original would have.
    ...(timeToLive !== undefined &&
      expiresAtUtc !== undefined && { timeToLive: Math.max(1, expiresAtUtc.getTime() - at.getTime()) }),
  });
}

function countOf({ applicationProperties }: ServiceBusReceivedMessage, name: string): number {
  const value = applicationProperties?.[name];
  return typeof value === "number" && Number.isInteger(value) && value > 0 ? value : 0;
}
