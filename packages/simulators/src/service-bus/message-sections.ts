import { codec, type Typed } from "./amqp-types.ts";

/** The message format of a batch: each data section is one whole encoded message. Service Bus, not AMQP. */
export const BATCH_FORMAT = 0x80_01_37_00;

// AMQP 3.2: the sections of a message, by descriptor.
export const HEADER = 0x70;
export const DELIVERY_ANNOTATIONS = 0x71;
export const MESSAGE_ANNOTATIONS = 0x72;
export const PROPERTIES = 0x73;
export const APPLICATION_PROPERTIES = 0x74;
export const DATA = 0x75;
export const SEQUENCE = 0x76;
export const VALUE = 0x77;
export const FOOTER = 0x78;

const BY_SYMBOL: Readonly<Record<string, number>> = {
  "amqp:header:list": HEADER,
  "amqp:delivery-annotations:map": DELIVERY_ANNOTATIONS,
  "amqp:message-annotations:map": MESSAGE_ANNOTATIONS,
  "amqp:properties:list": PROPERTIES,
  "amqp:application-properties:map": APPLICATION_PROPERTIES,
  "amqp:data:binary": DATA,
  "amqp:amqp-sequence:list": SEQUENCE,
  "amqp:value:*": VALUE,
  "amqp:footer:map": FOOTER,
};

/** A section of a message: what it is, what is in it, and its bytes. */
export interface Section {
  readonly code: number;
  readonly value: Typed;
  readonly bytes: Buffer;
}

/** Thrown when bytes are not a message of AMQP 3.2. */
export class MalformedMessage extends Error {
  override readonly name = "MalformedMessage";
}

/** @throws MalformedMessage */
export function sections(payload: Buffer): Section[] {
  const found: Section[] = [];
  try {
    const reader = new codec.Reader(payload);
    while (reader.remaining() > 0) {
      const start = reader.position;
      const value = reader.read();
      const descriptor = value.descriptor?.value;
      const code = typeof descriptor === "string" ? BY_SYMBOL[descriptor] : descriptor;
      if (typeof code !== "number" || code < HEADER || code > FOOTER) {
        throw new MalformedMessage(`unknown message section ${String(descriptor)}`);
      }
      found.push({ code, value, bytes: payload.subarray(start, reader.position) });
    }
  } catch (error) {
    if (error instanceof MalformedMessage) throw error;
    throw new MalformedMessage("the payload is not an encoded AMQP message", { cause: error });
  }
  return found;
}

/** The encoded messages in one transfer: itself, or the data sections of a batch. */
export function messagesOfTransfer(payload: Buffer, format: number): readonly Buffer[] {
  if (format !== BATCH_FORMAT) return [payload];
  return sections(payload)
    .filter((section) => section.code === DATA)
    .map((section) => section.value.value as Buffer);
}
