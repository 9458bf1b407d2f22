import { invalid, kindOf, type Naming } from "./invalid-message.ts";
import type { MessageFields } from "./outgoing-message.ts";

// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas: "Maximum message property size for each
// property is 32 KB. Cumulative size of all properties can't exceed 64 KB. This limit applies to the entire header."
const maxPropertyBytes = 32 * 1024;
const maxHeaderBytes = 64 * 1024;
// UTF-8 takes at most three bytes for a UTF-16 unit, so shorter texts need no counting.
const bytesPerUnit = 3;
const scalarBytes = 8;

/**
 * Checks application properties: names with values that AMQP calls simple (string, number, boolean, null, Date, bytes,
 * or a typed value of rhea), each value at most 32 KB, all of them with the ids and texts of the header at most 64 KB.
 * Sizes are counted without encoding overhead, so nothing is refused that the service takes.
 *
 * The official client sends a nested object or array as an AMQP map or list, which AMQP 3.2.5 forbids here, and a function,
 * symbol, bigint or Map as an empty map. `undefined` and `NaN` arrive as null, as they always did.
 *
 * @throws RangeError for a whole number that AMQP has no type for (as the official client); otherwise HoldfastError
 * `invalid-message`.
 */
export function checkProperties(fields: MessageFields, name: Naming): void {
  const properties: unknown = fields.applicationProperties ?? {};
  if (
    typeof properties !== "object" ||
    properties === null ||
    Array.isArray(properties) ||
    properties instanceof Map
  ) {
    throw invalid(
      `${name("applicationProperties")} is ${kindOf(properties)}; it must be an object of names and values.`,
    );
  }
  let atMost = 0;
  // As the official client reads them, inherited ones included.
  for (const key in properties) {
    const value = (properties as Readonly<Record<string, unknown>>)[key];
    atMost += key.length * bytesPerUnit;
    if (typeof value === "string") {
      atMost += value.length * bytesPerUnit;
      if (value.length * bytesPerUnit > maxPropertyBytes) checkBytes(value, key, name);
    } else if (value == null || typeof value === "boolean") atMost += 1;
    else {
      checkValue(value, key, name);
      atMost += value instanceof Uint8Array ? value.byteLength : scalarBytes;
    }
  }
  if (atMost + headerAtMost(fields) > maxHeaderBytes) checkHeader(properties, fields, name);
}

const place = (key: string, name: Naming): string =>
  `${name("applicationProperties")}[${JSON.stringify(key)}]`;

function checkBytes(value: string, key: string, name: Naming): void {
  const bytes = Buffer.byteLength(value);
  if (bytes > maxPropertyBytes) throw tooLarge(bytes, key, name);
}

function tooLarge(bytes: number, key: string, name: Naming): Error {
  return invalid(`${place(key, name)} has ${bytes} bytes; a property may have at most ${maxPropertyBytes}.`);
}

function checkValue(value: unknown, key: string, name: Naming): void {
  if (typeof value === "number") {
    // What rhea writes as ulong and long (not the smallest one); NaN and fractions are no whole numbers and pass.
    if (!Number.isInteger(value) || (value < 2 ** 64 && value > -(2 ** 63))) return;
    throw new RangeError(`${place(key, name)} is a whole number that does not fit into 64 bits.`);
  }
  if (value instanceof Date) {
    if (!Number.isNaN(value.getTime())) return;
    throw invalid(`${place(key, name)} is an invalid Date, which would be sent as 1970.`);
  }
  if (value instanceof Uint8Array) {
    if (value.byteLength > maxPropertyBytes) throw tooLarge(value.byteLength, key, name);
    return;
  }
  if (value instanceof Number) return;
  if (typeof value === "object" && typeof (value as { toRheaTyped?: unknown }).toRheaTyped === "function")
    return;
  throw invalid(
    `${place(key, name)} is ${kindOf(value)}; a property must be a string, number, boolean, Date or null. ` +
      `Put structured data into the body, or send it as JSON text.`,
  );
}

const headerTexts = [
  "messageId",
  "sessionId",
  "partitionKey",
  "replyToSessionId",
  "correlationId",
  "contentType",
  "subject",
  "to",
  "replyTo",
] as const;

function headerAtMost(fields: MessageFields): number {
  let sum = 0;
  for (const field of headerTexts) {
    const value = fields[field];
    if (typeof value === "string") sum += value.length * bytesPerUnit;
  }
  return sum;
}

function checkHeader(properties: object, fields: MessageFields, name: Naming): void {
  let sum = 0;
  const add = (value: unknown): void => {
    if (typeof value === "string") sum += Buffer.byteLength(value);
    else if (value instanceof Uint8Array) sum += value.byteLength;
  };
  for (const key in properties) {
    add(key);
    add((properties as Readonly<Record<string, unknown>>)[key]);
  }
  for (const field of headerTexts) add(fields[field]);
  if (sum > maxHeaderBytes) {
    throw invalid(
      `${name("applicationProperties")} and the other properties have ${sum} bytes; together they may have at most ${maxHeaderBytes}.`,
    );
  }
}
