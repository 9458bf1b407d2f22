import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import { receivedBytes } from "./message-bytes.ts";
import type { SingleMessage } from "./message-key.ts";
import { annotations, type AnnotatedMessage } from "./outgoing-message.ts";

/** What a copy has of its own. */
export interface CopyChanges {
  readonly messageId: string;
  /** Added to the original's. */
  readonly applicationProperties: Readonly<Record<string, unknown>>;
  /** Application properties of the original that the copy goes without. */
  readonly without?: readonly string[];
  readonly scheduledEnqueueTimeUtc?: Date;
  /** In milliseconds; left out, the original's begins again. */
  readonly timeToLive?: number;
}

/**
 * A message to send, made of one that was received: the very bytes of its body, or its AMQP value or sequence; session,
 * partition key, time to live and all other properties that a sender can set. What the service put there (times, sequence
 * number, delivery count) stays behind. Numbers of application properties arrive as JavaScript numbers and leave as such.
 */
export function copyOf(message: ServiceBusReceivedMessage, changes: CopyChanges): SingleMessage {
  const { without = [] } = changes;
  const kept = Object.entries(message.applicationProperties ?? {}).filter(
    ([name]) => !without.includes(name),
  );
  const applicationProperties = { ...Object.fromEntries(kept), ...changes.applicationProperties };
  const raw = message._rawAmqpMessage as AnnotatedMessage | undefined;
  if (raw?.bodyType === "value" || raw?.bodyType === "sequence") {
    return annotatedCopy(message, raw, applicationProperties, changes);
  }
  const {
    contentType,
    correlationId,
    partitionKey,
    replyTo,
    replyToSessionId,
    sessionId,
    subject,
    timeToLive,
    to,
  } = message;
  const fields = {
    contentType,
    correlationId,
    // The service wants them equal where both are set.
    partitionKey: sessionId ?? partitionKey,
    replyTo,
    replyToSessionId,
    sessionId,
    subject,
    timeToLive: changes.timeToLive ?? timeToLive,
    to,
    scheduledEnqueueTimeUtc: changes.scheduledEnqueueTimeUtc,
  };
  return {
    ...given(fields),
    body: receivedBytes(message) ?? (message.body as unknown),
    messageId: changes.messageId,
    applicationProperties,
  };
}

function annotatedCopy(
  message: ServiceBusReceivedMessage,
  { bodyType, properties }: AnnotatedMessage,
  applicationProperties: Readonly<Record<string, unknown>>,
  { messageId, scheduledEnqueueTimeUtc, timeToLive = message.timeToLive }: CopyChanges,
): SingleMessage {
  const { partitionKey, sessionId } = message;
  return {
    body: message.body as unknown,
    bodyType,
    ...(timeToLive === undefined ? {} : { header: { timeToLive } }),
    properties: {
      ...given({ ...properties, absoluteExpiryTime: undefined, creationTime: undefined }),
      messageId,
    },
    messageAnnotations: given({
      [annotations.partitionKey]: sessionId ?? partitionKey,
      [annotations.scheduledEnqueueTime]: scheduledEnqueueTimeUtc,
    }),
    applicationProperties,
  } as SingleMessage;
}

function given(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
