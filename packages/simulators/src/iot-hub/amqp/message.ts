import rhea from "rhea";

/** A message as rhea decodes it. */
interface Decoded {
  readonly message_id?: unknown;
  readonly correlation_id?: unknown;
  readonly user_id?: unknown;
  readonly to?: string;
  readonly reply_to?: string;
  readonly content_type?: string;
  readonly content_encoding?: string;
  readonly absolute_expiry_time?: unknown;
  readonly message_annotations?: Readonly<Record<string, unknown>>;
  readonly application_properties?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

interface MessageCodec {
  decode(buffer: Buffer): Decoded;
  encode(message: object): Buffer;
  data_section(data: Buffer): unknown;
}

const codec = rhea.message as unknown as MessageCodec;

/** A message that has arrived. */
export interface AmqpMessage {
  readonly messageId: string | undefined;
  readonly correlationId: string | undefined;
  /** As it arrived, to answer with the same type. */
  readonly rawCorrelationId: unknown;
  readonly rawMessageId: unknown;
  readonly userId: string | undefined;
  readonly to: string | undefined;
  readonly replyTo: string | undefined;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number | undefined;
  readonly annotations: Readonly<Record<string, unknown>>;
  readonly properties: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** An AMQP id or property as text; a binary of 16 bytes is a UUID. */
function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (Buffer.isBuffer(value)) {
    const hex = value.toString("hex");
    return value.length === 16
      ? hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")
      : value.toString("utf8");
  }
  if (value instanceof Date) return value.toISOString();
  return typeof value === "string" ? value : JSON.stringify(value);
}

function bytesOf(body: unknown): Buffer {
  const content = typeof body === "object" && body !== null && "content" in body ? body.content : body;
  if (Buffer.isBuffer(content)) return content;
  if (Array.isArray(content)) return Buffer.concat(content.map(bytesOf));
  return Buffer.from(textOf(content) ?? "");
}

/** Decodes a whole message. */
export function decodeMessage(payload: Buffer): AmqpMessage {
  const decoded = codec.decode(payload);
  const expiry = decoded.absolute_expiry_time;
  const properties: Record<string, string> = {};
  for (const [key, value] of Object.entries(decoded.application_properties ?? {})) {
    properties[key] = textOf(value) ?? "";
  }
  return {
    messageId: textOf(decoded.message_id),
    correlationId: textOf(decoded.correlation_id),
    rawCorrelationId: decoded.correlation_id,
    rawMessageId: decoded.message_id,
    userId: textOf(decoded.user_id),
    to: decoded.to,
    replyTo: decoded.reply_to,
    contentType: decoded.content_type,
    contentEncoding: decoded.content_encoding,
    expiresAt: expiry instanceof Date ? expiry.getTime() : typeof expiry === "number" ? expiry : undefined,
    annotations: decoded.message_annotations ?? {},
    properties,
    body: bytesOf(decoded.body),
  };
}

/** A message to be sent; undefined fields are left out. */
export interface OutgoingMessage {
  readonly messageId?: unknown;
  readonly correlationId?: unknown;
  readonly userId?: string | undefined;
  readonly to?: string | undefined;
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string | undefined;
  readonly expiresAt?: number | undefined;
  readonly annotations?: Readonly<Record<string, unknown>>;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly body?: Buffer | undefined;
}

/** Encodes a whole message; the body goes as one data section. */
export function encodeMessage(message: OutgoingMessage): Buffer {
  const fields = {
    message_id: message.messageId,
    correlation_id: message.correlationId,
    user_id: message.userId === undefined ? undefined : Buffer.from(message.userId),
    to: message.to,
    content_type: message.contentType,
    content_encoding: message.contentEncoding,
    absolute_expiry_time: message.expiresAt,
    message_annotations: message.annotations,
    application_properties: message.properties,
  };
  const present = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  return codec.encode({ ...present, body: codec.data_section(message.body ?? Buffer.alloc(0)) });
}
