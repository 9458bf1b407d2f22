import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import { HoldfastError } from "@holdfast/core";
import { invalid, kindOf } from "./invalid-message.ts";
import { asBuffer, parsedAsOfficial, receivedBytes } from "./message-bytes.ts";

/** A body as bytes with the content type that says how to read them; spread it into a message. */
export interface EncodedBody {
  readonly body: Buffer;
  readonly contentType: string;
}

/** How {@link encodeBody} is told what a body is. */
export interface EncodeOptions {
  /**
   * Default: `text/plain; charset=utf-8` for a string, `application/octet-stream` for bytes,
   * `application/json; charset=utf-8` for everything else (SBC-062, SBC-063).
   */
  readonly contentType?: string;
}

/**
 * Encodes a body so that every client reads the same: text as UTF-8, values as JSON, bytes as they are, and the content
 * type says which. The official client alone sends a string as JSON, so that clients of other languages see quotes around
 * it, and its receiver turns bytes that happen to be JSON (`"123"`) into a value.
 *
 * ```ts
 * await sender.sendMessages({ ...encodeBody("ñáéíóú"), messageId });
 * const text = decodeBody(received);
 * ```
 *
 * With a content type given: JSON types (`application/json`, `…+json`) encode any value but bytes as JSON, strings
 * included; other types take a string as UTF-8. Bytes (Buffer, typed arrays, DataView, ArrayBuffer) are never touched, so
 * JSON text that exists already goes as `Buffer.from(json)`. Memory of bytes is shared, not copied.
 *
 * `decodeBody` gives back an equal value, with JSON's own limits: a Date, or what else has `toJSON`, becomes what that says;
 * undefined properties vanish; -0 becomes 0; an instance becomes a plain object. What would be lost silently is refused.
 *
 * @throws HoldfastError `invalid-message` for what cannot be encoded faithfully: undefined, a function, symbol, bigint,
 * NaN, Infinity, undefined in an array, bytes, a Map or a Set inside JSON, a cycle, a lone surrogate in text, a charset other
 * than UTF-8, a value that is neither text nor bytes for a type that is not JSON.
 */
export function encodeBody(value: unknown, options: EncodeOptions = {}): EncodedBody {
  const bytes = bytesOf(value);
  if (bytes !== undefined)
    return { body: bytes, contentType: options.contentType ?? "application/octet-stream" };
  const {
    contentType = typeof value === "string" ? "text/plain; charset=utf-8" : "application/json; charset=utf-8",
  } = options;
  const { isJson, charset } = parseContentType(contentType);
  if (!/^(utf-?8|us-ascii)$/.test(charset)) {
    throw invalid(
      `A body cannot be encoded as "${contentType}": only UTF-8 is written. Pass the bytes instead.`,
    );
  }
  if (isJson) return { body: Buffer.from(jsonOf(value)), contentType };
  if (typeof value !== "string") {
    throw invalid(`A body of type "${contentType}" must be a string or bytes; it is ${kindOf(value)}.`);
  }
  // Buffer.from would put U+FFFD in its place.
  if (/\p{Surrogate}/u.test(value)) throw invalid("The text has a lone surrogate, which UTF-8 cannot carry.");
  return { body: Buffer.from(value), contentType };
}

/**
 * Reads a received body by its content type: JSON types as the value, `text/*` and XML as a string in their charset (UTF-8
 * when none is named), everything else as a Buffer. It reads the bytes that arrived, so it does not matter whether the
 * receiver has `skipParsingBodyAsJson`.
 *
 * A message without a content type is read as the official receiver reads it: as JSON when it parses, otherwise a Buffer.
 * The body of an AMQP value or sequence is returned as it is.
 *
 * A byte order mark before JSON is ignored; in text it stays, as U+FEFF, because the sender put it there.
 *
 * @throws HoldfastError `malformed-content` when the bytes are not what the content type says; the cause is kept.
 */
export function decodeBody(message: ServiceBusReceivedMessage): unknown {
  const bytes = receivedBytes(message);
  if (bytes === undefined) return message.body as unknown;
  const { contentType } = message;
  if (contentType === undefined || contentType === "") return parsedAsOfficial(bytes);
  const { isJson, isText, charset } = parseContentType(contentType);
  try {
    // RFC 8259, section 8.1: a parser may ignore a byte order mark.
    if (isJson) return JSON.parse(textOf(bytes, charset, false)) as unknown;
    return isText ? textOf(bytes, charset, true) : bytes;
  } catch (cause) {
    throw new HoldfastError("malformed-content", `The body is not valid "${contentType}".`, { cause });
  }
}

const parsedTypes = new Map<string, ParsedType>();

interface ParsedType {
  readonly isJson: boolean;
  readonly isText: boolean;
  readonly charset: string;
}

function parseContentType(contentType: string): ParsedType {
  const known = parsedTypes.get(contentType);
  if (known !== undefined) return known;
  const [type = "", ...parameters] = contentType.toLowerCase().split(";");
  const named = parameters.map((parameter) => /^\s*charset\s*=\s*"?([^"\s]+)"?\s*$/.exec(parameter)?.[1]);
  const parsed = {
    isJson: /^\s*(application|text)\/(.+\+)?json\s*$/.test(type),
    isText: /^\s*text\/|^\s*application\/(.+\+)?xml\s*$/.test(type),
    charset: named.find((charset) => charset !== undefined) ?? "utf-8",
  };
  // The types of one application are few; a sender that makes them up must not fill the memory.
  if (parsedTypes.size < 100) parsedTypes.set(contentType, parsed);
  return parsed;
}

function textOf(bytes: Buffer, charset: string, keepsMark: boolean): string {
  return new TextDecoder(charset, { fatal: true, ignoreBOM: keepsMark }).decode(bytes);
}

function bytesOf(value: unknown): Buffer | undefined {
  if (ArrayBuffer.isView(value)) return asBuffer(value);
  return value instanceof ArrayBuffer ? Buffer.from(value) : undefined;
}

function jsonOf(value: unknown): string {
  // undefined for a function, a symbol and undefined, whatever the declaration says.
  let json: unknown;
  try {
    json = JSON.stringify(value);
  } catch (cause) {
    // A cycle, a bigint, or a toJSON that throws.
    throw new HoldfastError("invalid-message", `The body cannot be written as JSON: ${String(cause)}`, {
      cause,
    });
  }
  if (typeof json !== "string") throw invalid(`The body is ${kindOf(value)}, which JSON cannot carry.`);
  refuseLosses(value, "body");
  return json;
}

/** JSON.stringify is silent about these. A cycle was refused before, so this ends. */
function refuseLosses(value: unknown, path: string): void {
  if (typeof value === "number" && !Number.isFinite(value))
    throw invalid(`${path} is ${value}, which JSON writes as null.`);
  if (typeof value === "function" || typeof value === "symbol") {
    throw invalid(`${path} is ${kindOf(value)}, which JSON leaves out.`);
  }
  if (typeof value !== "object" || value === null) return;
  if (bytesOf(value) !== undefined || value instanceof Map || value instanceof Set) {
    throw invalid(`${path} is ${kindOf(value)}, which JSON cannot carry.`);
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") return;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      if (item === undefined) throw invalid(`${path}[${index}] is undefined, which JSON writes as null.`);
      refuseLosses(item, `${path}[${index}]`);
    }
    return;
  }
  for (const [key, item] of Object.entries(value)) refuseLosses(item, `${path}.${key}`);
}
