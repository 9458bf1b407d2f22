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
 * The sequence number of the message that this is, or is a copy of. After a crash between the storing of a copy and the
 * completion of its original both come, and one of them is enough.
 */
export function originOf({ applicationProperties, sequenceNumber }: ServiceBusReceivedMessage): string {
  const original = applicationProperties?.[redeliveryProperties.originalSequenceNumber];
  return typeof original === "string" ? original : String(sequenceNumber);
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
      [redeliveryProperties.originalSequenceNumber]: originOf(message),
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
