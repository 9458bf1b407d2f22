import type { ServiceBusMessage, ServiceBusMessageBatch, ServiceBusSender } from "@azure/service-bus";
import type { SingleMessage } from "./message-key.ts";

/** What `sendMessages` takes. */
export type Sendable = Parameters<ServiceBusSender["sendMessages"]>[0];

/** The part of an AmqpAnnotatedMessage that matters here; the official package does not export the type. */
interface Annotated {
  readonly properties?: { readonly messageId?: unknown };
}

/**
 * Gives every message an id, on a copy, once per call: each attempt then carries the same one, and an object that is
 * sent twice is two messages. Messages that have an id pass as they are, and so does anything that is no message
 * (the official client says what is wrong with it). Batches were stamped as they were filled.
 */
export function withMessageIds<T>(messages: T): T {
  return (Array.isArray(messages) ? messages.map(stamped) : stamped(messages)) as T;
}

/** As the official client tells a batch from a message. */
export function isBatch(value: unknown): value is ServiceBusMessageBatch {
  return typeof value === "object" && value !== null && "tryAddMessage" in value;
}

/** Whether it is one message, or at least neither an array nor a batch nor nothing at all. */
export function isSingle(messages: Sendable): messages is SingleMessage {
  return (
    typeof messages === "object" &&
    (messages as unknown) !== null &&
    !isBatch(messages) &&
    !Array.isArray(messages)
  );
}

/** Makes an official batch stamp what is added to it; the batch itself stays the official one. */
export function stampingBatch(
  batch: ServiceBusMessageBatch,
  stamp: (message: ServiceBusMessage) => ServiceBusMessage,
): ServiceBusMessageBatch {
  const add = batch.tryAddMessage.bind(batch);
  batch.tryAddMessage = (message, options) => add(stamp(message), options);
  return batch;
}

function stamped(message: unknown): unknown {
  if (typeof message !== "object" || message === null || isBatch(message)) return message;
  if ("bodyType" in message) {
    const { properties } = message as Annotated;
    if (properties?.messageId != null) return message;
    return { ...message, properties: { ...properties, messageId: crypto.randomUUID() } };
  }
  if (!("body" in message) || (message as ServiceBusMessage).messageId != null) return message;
  return { ...message, messageId: crypto.randomUUID() };
}
