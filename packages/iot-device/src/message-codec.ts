import { HoldfastError } from "@holdfast/core";
import { officialPackage, type Message } from "./official.ts";
import { type OutgoingMessage } from "./outgoing-message.ts";

/** What stands before the body. */
interface Header {
  readonly version: 1;
  readonly messageId: string;
  readonly output?: string;
  /** Whether the body was text: the official client sends either as it is. */
  readonly isText: boolean;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly properties: readonly (readonly [string, string])[];
}

const fieldNames = [
  "to",
  "correlationId",
  "userId",
  "ack",
  "contentType",
  "contentEncoding",
  "interfaceId",
] as const;

const lengthBytes = 4;

/** Writes a message down: a header's length, the header as JSON, the body. */
export function encodeMessage(message: OutgoingMessage, output: string | undefined): Uint8Array {
  const data: unknown = message.data;
  const isText = typeof data === "string";
  const body = isText ? Buffer.from(data) : message.getBytes();
  const properties: [string, string][] = [];
  for (let index = 0; index < message.properties.count(); index += 1) {
    const { key, value } = message.properties.getItem(index);
    properties.push([key, value]);
  }
  const expiry: unknown = message.expiryTimeUtc;
  const fields: Record<string, unknown> = {
    expiryTimeUtc: expiry instanceof Date ? expiry.toISOString() : expiry,
  };
  for (const name of fieldNames) fields[name] = message[name];
  const header: Header = {
    ...{ version: 1, messageId: message.messageId, isText, fields, properties },
    ...(output === undefined ? {} : { output }),
  };
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text, body]);
}

/** Reads it again. @throws HoldfastError `invalid-message` when it is not what {@link encodeMessage} wrote, or not there */
export function decodeMessage(content: Uint8Array | undefined): {
  message: Message;
  output: string | undefined;
} {
  const { header, body } = whole(content);
  const message = new officialPackage.Message(header.isText ? body.toString() : body);
  message.messageId = header.messageId;
  Object.assign(message, header.fields);
  for (const [key, value] of header.properties) message.properties.add(key, value);
  return { message, output: header.output };
}

function whole(content: Uint8Array | undefined): { header: Header; body: Buffer } {
  try {
    return split(content as Uint8Array);
  } catch (cause) {
    throw new HoldfastError("invalid-message", "The stored message cannot be read.", { cause });
  }
}

function split(content: Uint8Array): { header: Header; body: Buffer } {
  const buffer = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const end = lengthBytes + buffer.readUInt32BE(0);
  if (end > buffer.length) throw new RangeError("The stored message is cut off.");
  const header = JSON.parse(buffer.toString("utf8", lengthBytes, end)) as Partial<Header>;
  if (header.version !== 1 || typeof header.messageId !== "string" || !Array.isArray(header.properties)) {
    throw new TypeError("The stored message is of another version.");
  }
  return { header: header as Header, body: buffer.subarray(end) };
}
