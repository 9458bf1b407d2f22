import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import type { SingleMessage } from "./message-key.ts";
import { isAnnotated } from "./outgoing-message.ts";

/** The official package's declarations name the type of this field, and do not export it. */
type RawMessage = ServiceBusReceivedMessage["_rawAmqpMessage"];

/**
 * The bytes that the official client would put on the wire as the body: bytes as they are, everything else as JSON.
 * Undefined for AMQP values and sequences, and for what JSON cannot carry (the official client says so).
 */
export function outgoingBytes(message: SingleMessage): Uint8Array | undefined {
  if (bodyTypeOf(message) !== "data") return undefined;
  const body: unknown = message.body;
  if (body instanceof Uint8Array) return body;
  try {
    const json = JSON.stringify(body === undefined ? null : body) as string | undefined;
    return json === undefined ? undefined : Buffer.from(json);
  } catch {
    return undefined;
  }
}

function bodyTypeOf(message: SingleMessage): string {
  if (isAnnotated(message)) return message.bodyType ?? "data";
  // A received message that is sent again keeps its section.
  return (message as { _rawAmqpMessage?: RawMessage })._rawAmqpMessage?.bodyType ?? "data";
}

/**
 * The very bytes of a received body, whether or not the official client has parsed them (`skipParsingBodyAsJson`): it
 * keeps the section they came in. Undefined for AMQP values and sequences, and for a body made by hand that is not bytes.
 */
export function receivedBytes(message: ServiceBusReceivedMessage): Buffer | undefined {
  const raw = (message as { _rawAmqpMessage?: RawMessage })._rawAmqpMessage;
  if (raw?.bodyType !== undefined && raw.bodyType !== "data") return undefined;
  const content = (raw?.body as { content?: unknown } | null | undefined)?.content;
  // AMQP 3.2.6: a body may be of several data sections.
  if (Array.isArray(content) && content.every((part) => part instanceof Uint8Array))
    return Buffer.concat(content);
  const bytes: unknown = content instanceof Uint8Array ? content : message.body;
  return bytes instanceof Uint8Array ? asBuffer(bytes) : undefined;
}

/** As the official receiver reads a body: JSON when it parses, otherwise the bytes. */
export function parsedAsOfficial(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8")) as unknown;
  } catch {
    return bytes;
  }
}

/** A Buffer on the same memory. */
export function asBuffer(view: ArrayBufferView): Buffer {
  return Buffer.isBuffer(view) ? view : Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}

const dataSection = 0x75; // AMQP 3.2.6

/** What a received message is changed to by {@link withContent}. */
export interface Restored {
  readonly content: Buffer;
  readonly messageId?: ServiceBusReceivedMessage["messageId"];
  readonly contentType: string | undefined;
  readonly applicationProperties: Record<string, unknown>;
  /** As the official receiver's option: leave the body as bytes. */
  readonly skipParsingBodyAsJson: boolean;
}

/** A copy of a received message with another content; lock token and delivery stay, so that it can be settled. */
export function withContent<M extends ServiceBusReceivedMessage>(message: M, restored: Restored): M {
  const { content, contentType, skipParsingBodyAsJson } = restored;
  const applicationProperties =
    Object.keys(restored.applicationProperties).length === 0 ? undefined : restored.applicationProperties;
  const raw = (message as { _rawAmqpMessage?: RawMessage })._rawAmqpMessage;
  const copy = Object.create(
    Object.getPrototypeOf(message) as object,
    Object.getOwnPropertyDescriptors(message),
  ) as M;
  return Object.assign(copy, {
    body: skipParsingBodyAsJson ? content : parsedAsOfficial(content),
    contentType,
    applicationProperties,
    ...("messageId" in restored ? { messageId: restored.messageId } : {}),
    ...(raw === undefined
      ? {}
      : {
          _rawAmqpMessage: {
            ...raw,
            body: { typecode: dataSection, content },
            bodyType: "data",
            applicationProperties,
            properties: { ...raw.properties, contentType },
          },
        }),
  });
}
