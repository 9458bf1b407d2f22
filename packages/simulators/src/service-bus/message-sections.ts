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

// AMQP 1.6.19: binary, by the width of its size.
const VBIN8 = 0xa0;
const VBIN32 = 0xb0;

// AMQP 1.2 and 1.6.10: what begins a described type, and its descriptor as a small ulong.
const DESCRIBED = 0x00;
const SMALL_ULONG = 0x53;

/** A data section: found in the message without a look at what is in it, for most bodies are never read. */
class DataSection implements Section {
  readonly code = DATA;
  readonly #payload: Buffer;
  readonly #start: number;
  readonly #contentStart: number;
  readonly end: number;

  private constructor(payload: Buffer, start: number, contentStart: number, size: number) {
    this.#payload = payload;
    this.#start = start;
    this.#contentStart = contentStart;
    this.end = contentStart + size;
  }

  /** The one that begins there, in the encoding that everybody uses. @throws MalformedMessage when it is cut off */
  static at(payload: Buffer, start: number): DataSection | undefined {
    if (payload[start] !== DESCRIBED || payload[start + 1] !== SMALL_ULONG || payload[start + 2] !== DATA) {
      return undefined;
    }
    const width = payload[start + 3] === VBIN8 ? 1 : payload[start + 3] === VBIN32 ? 4 : 0;
    const contentStart = start + 4 + width;
    if (width === 0 || contentStart > payload.length) return undefined;
    const size = payload.readUIntBE(start + 4, width);
    if (contentStart + size > payload.length) throw new MalformedMessage("a data section is cut off");
    return new DataSection(payload, start, contentStart, size);
  }

  get content(): Buffer {
    return this.#payload.subarray(this.#contentStart, this.end);
  }

  get value(): Typed {
    return new codec.Reader(this.bytes).read();
  }

  get bytes(): Buffer {
    return this.#payload.subarray(this.#start, this.end);
  }
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
      const data = DataSection.at(payload, start);
      if (data !== undefined) {
        found.push(data);
        reader.position = data.end;
        continue;
      }
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
    .map(contentOf);
}

/** What is in a data section. */
export function contentOf(section: Section): Buffer {
  return section instanceof DataSection ? section.content : (section.value.value as Buffer);
}
