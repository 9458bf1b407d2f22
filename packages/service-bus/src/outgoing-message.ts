import type { SingleMessage } from "./message-key.ts";

/** The part of an AmqpAnnotatedMessage that matters here; the official package does not export the type. */
export interface AnnotatedMessage {
  readonly body: unknown;
  readonly bodyType?: "data" | "value" | "sequence";
  readonly header?: { readonly timeToLive?: number };
  readonly properties?: {
    readonly messageId?: string | number | Buffer;
    readonly correlationId?: string | number | Buffer;
    readonly groupId?: string;
    readonly replyToGroupId?: string;
    readonly contentType?: string;
    readonly subject?: string;
    readonly to?: string;
    readonly replyTo?: string;
  };
  readonly messageAnnotations?: Readonly<Record<string, unknown>>;
  readonly applicationProperties?: Readonly<Record<string, unknown>>;
}

/** What the service knows a message's partition and its time of enqueueing by. */
export const annotations = {
  partitionKey: "x-opt-partition-key",
  scheduledEnqueueTime: "x-opt-scheduled-enqueue-time",
} as const;

/** As the official client tells the two forms apart. */
export function isAnnotated(message: object): message is AnnotatedMessage {
  return "body" in message && "bodyType" in message;
}

/** What can be changed on a copy of a message of either form; what is left out stays. */
export interface MessageChanges {
  readonly body?: unknown;
  readonly messageId?: string;
  readonly sessionId?: string;
  readonly partitionKey?: string;
  readonly contentType?: string;
  readonly applicationProperties?: Readonly<Record<string, unknown>>;
}

/** A changed copy; application properties are added to those it has. */
export function changedMessage<M extends SingleMessage>(message: M, changes: MessageChanges): M {
  const { applicationProperties, ...rest } = changes;
  const properties =
    applicationProperties === undefined
      ? {}
      : { applicationProperties: { ...applicationPropertiesOf(message), ...applicationProperties } };
  if (!isAnnotated(message)) return { ...(message as M), ...rest, ...properties };
  const { body, messageId, sessionId, partitionKey, contentType } = rest;
  return {
    ...message,
    ...properties,
    ...("body" in rest ? { body } : {}),
    properties: {
      ...message.properties,
      ...(messageId === undefined ? {} : { messageId }),
      ...(sessionId === undefined ? {} : { groupId: sessionId }),
      ...(contentType === undefined ? {} : { contentType }),
    },
    ...(partitionKey === undefined
      ? {}
      : { messageAnnotations: { ...message.messageAnnotations, [annotations.partitionKey]: partitionKey } }),
  };
}

/** The application properties of either form. */
function applicationPropertiesOf(message: object): Readonly<Record<string, unknown>> | undefined {
  return (message as AnnotatedMessage).applicationProperties;
}

/** What both forms say, by the names of a `ServiceBusMessage`. */
export interface MessageFields {
  readonly messageId?: unknown;
  readonly sessionId?: unknown;
  readonly partitionKey?: unknown;
  readonly replyToSessionId?: unknown;
  readonly correlationId?: unknown;
  readonly contentType?: unknown;
  readonly subject?: unknown;
  readonly to?: unknown;
  readonly replyTo?: unknown;
  readonly timeToLive?: unknown;
  readonly scheduledEnqueueTimeUtc?: unknown;
  readonly applicationProperties?: unknown;
}

/** Where an AmqpAnnotatedMessage keeps each of {@link MessageFields}. */
export const annotatedPaths: Readonly<Record<keyof MessageFields, string>> = {
  messageId: "properties.messageId",
  sessionId: "properties.groupId",
  partitionKey: `messageAnnotations["${annotations.partitionKey}"]`,
  replyToSessionId: "properties.replyToGroupId",
  correlationId: "properties.correlationId",
  contentType: "properties.contentType",
  subject: "properties.subject",
  to: "properties.to",
  replyTo: "properties.replyTo",
  timeToLive: "header.timeToLive",
  scheduledEnqueueTimeUtc: `messageAnnotations["${annotations.scheduledEnqueueTime}"]`,
  applicationProperties: "applicationProperties",
};

/** Reads a message of either form. A `ServiceBusMessage` is returned as it is: this runs on every send. */
export function fieldsOf(message: object): MessageFields {
  if (!isAnnotated(message)) return message;
  const { properties = {}, messageAnnotations = {}, header, applicationProperties } = message;
  return {
    messageId: properties.messageId,
    sessionId: properties.groupId,
    partitionKey: messageAnnotations[annotations.partitionKey],
    replyToSessionId: properties.replyToGroupId,
    correlationId: properties.correlationId,
    contentType: properties.contentType,
    subject: properties.subject,
    to: properties.to,
    replyTo: properties.replyTo,
    timeToLive: header?.timeToLive,
    scheduledEnqueueTimeUtc: messageAnnotations[annotations.scheduledEnqueueTime],
    applicationProperties,
  };
}
