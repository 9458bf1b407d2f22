import { codec } from "../amqp-types.ts";
import { dataSection, message as amqp } from "../amqp-engine.ts";
import type { MessageLock } from "../lock.ts";
import { lockTokenText } from "../lock-token.ts";
import { type MessageContent } from "../message-format.ts";
import type { StoredMessage } from "../stored-message.ts";

// "Message headers and properties" of the service's REST interface.

type Value = string | number | boolean | Date | null;

/** A message as HTTP carries it. */
export interface RestMessage {
  readonly body: Buffer;
  readonly contentType: string | undefined;
  /** `BrokerProperties`: what belongs to the message itself, by the service's names. */
  readonly broker: Readonly<Record<string, unknown>>;
  readonly user: Readonly<Record<string, Value>>;
}

const ownHeaders =
  /^(?:host|connection|content-.*|authorization|brokerproperties|accept.*|user-agent|transfer-encoding|expect|date|cache-control|origin|referer|cookie|keep-alive|te|traceparent|tracestate|sec-.*|x-ms-.*|if-match)$/i;

function valueOf(text: string): Value {
  const quoted = /^"(.*)"$/s.exec(text)?.[1];
  if (quoted === undefined) {
    if (text === "true" || text === "false") return text === "true";
    return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
  }
  const isTime = /^\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(quoted);
  return isTime ? new Date(quoted) : quoted;
}

/** The properties of the sender's own among the headers, with the case in which they were written. */
export function userProperties(rawHeaders: readonly string[]): Record<string, Value> {
  const found: Record<string, Value> = {};
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    if (!ownHeaders.test(name)) found[name] = valueOf(rawHeaders[index + 1] ?? "");
  }
  return found;
}

/** The message as AMQP encodes it, as if it had come that way. */
export function encode({ body, contentType, broker, user }: RestMessage): Buffer {
  const text = (name: string): string | undefined => {
    const value = broker[name];
    if (typeof value === "string") return value;
    return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
  };
  const seconds = broker["TimeToLive"];
  const due = text("ScheduledEnqueueTimeUtc");
  const partitionKey = text("PartitionKey");
  return amqp.encode({
    message_id: text("MessageId"),
    correlation_id: text("CorrelationId"),
    group_id: text("SessionId"),
    subject: text("Label"),
    to: text("To"),
    reply_to: text("ReplyTo"),
    reply_to_group_id: text("ReplyToSessionId"),
    content_type: contentType,
    ...(typeof seconds === "number" ? { ttl: Math.min(Math.round(seconds * 1_000), 0xff_ff_ff_ff) } : {}),
    message_annotations: {
      ...(due === undefined ? {} : { "x-opt-scheduled-enqueue-time": codec.wrap_timestamp(Date.parse(due)) }),
      ...(partitionKey === undefined ? {} : { "x-opt-partition-key": partitionKey }),
    },
    application_properties: Object.fromEntries(
      Object.entries(user).map(([name, value]) => [
        name,
        value instanceof Date ? codec.wrap_timestamp(value.getTime()) : value,
      ]),
    ),
    body: dataSection(body),
  });
}

function written(value: unknown): string {
  if (value instanceof Date) return `"${value.toUTCString()}"`;
  return typeof value === "string" ? `"${value}"` : String(value);
}

/** What a header can carry (RFC 9110, 5.5). */
const headerText = /^[\t\x20-\x7e]*$/;

/** JSON may write every character of its strings in ASCII (RFC 8259, 7). */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function time(at: number): string {
  return new Date(at).toUTCString();
}

/** The body as bytes, whatever AMQP's kind of body it is. */
export function bodyOf(content: MessageContent): Buffer {
  if (content.bodyBytes !== undefined) return content.bodyBytes;
  const { body } = content;
  return Buffer.from(typeof body === "string" ? body : JSON.stringify(body ?? ""));
}

/** The headers with which a message goes out. */
export function headersOf(message: StoredMessage, lock: MessageLock | undefined): Record<string, string> {
  const { content, expiresAt, enqueuedAt } = message;
  const broker = {
    CorrelationId: content.correlationId,
    // Here the delivery that is under way counts.
    DeliveryCount: message.deliveryCount + 1,
    EnqueuedSequenceNumber: message.enqueuedSequenceNumber,
    EnqueuedTimeUtc: time(enqueuedAt),
    Label: content.subject,
    LockToken: lock && lockTokenText(lock.token),
    LockedUntilUtc: lock && time(lock.lockedUntil),
    MessageId: message.messageId,
    PartitionKey: content.partitionKey,
    ReplyTo: content.replyTo,
    ReplyToSessionId: content.replyToSessionId,
    SequenceNumber: message.sequenceNumber,
    SessionId: content.sessionId,
    State: { active: "Active", deferred: "Deferred", scheduled: "Scheduled" }[message.state],
    // .NET's longest time span stands for ever.
    TimeToLive: expiresAt === Infinity ? 922_337_203_685.4775 : (expiresAt - enqueuedAt) / 1_000,
    To: content.to,
  };
  const user = Object.entries(content.applicationPropertyValues).filter(([name, value]) => {
    // What HTTP cannot carry stays behind.
    const isName = /^[\w!#$%&'*+.^`|~-]+$/.test(name) && !ownHeaders.test(name);
    return isName && headerText.test(written(value));
  });
  const { contentType } = content;
  return {
    BrokerProperties: asciiJson(broker),
    ...(contentType !== undefined && headerText.test(contentType) ? { "Content-Type": contentType } : {}),
    ...Object.fromEntries(user.map(([name, value]) => [name, written(value)])),
  };
}
